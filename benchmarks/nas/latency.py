"""Latency: what 30 measurements of this machine say of unseen networks of a space.

    KERAS_BACKEND=jax python benchmarks/nas/latency.py [space ...] [--metric latency_ms@onnxruntime,b1] [--unseen 50]

A table is fitted on the medians of the first 30 random networks, and held against those of the rest: rank correlation,
and the median relative error. Beside it stands what the number of operations alone says. Let nothing else run.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np
from scipy.stats import spearmanr

from modelwright import nas
from modelwright.core.errors import SpaceError
from modelwright.nas.hardware import target

SHAPE, CLASSES, FITTED = (28, 28, 1), 10, 30
SPACES = {"chain": nas.chain, "cells": nas.cells, "mobile": nas.mobile, "nasbench201": nas.nasbench201}


def networks(space: nas.Architecture, number: int) -> list[nas.Graph]:
    draws, found = np.random.default_rng(0), {}
    while len(found) < number:
        config = space.tree.sample(draws)
        try:
            found.setdefault(space.key(config), space.graph(config))
        except SpaceError:
            continue
    return list(found.values())


def compared(name: str, metric: str, unseen: int) -> str:
    wanted = target(metric)
    graphs = networks(SPACES[name](SHAPE, CLASSES), FITTED + unseen)
    start = time.perf_counter()
    readings = [nas.latency(g, wanted.runtime, batch=wanted.batch, threads=wanted.threads) for g in graphs]
    each = (time.perf_counter() - start) / len(graphs)
    ms = np.array([reading.median_ms for reading in readings])
    table = nas.LatencyTable.fit(graphs[:FITTED], ms[:FITTED])
    predicted, rest = np.array([table.predict(g) for g in graphs[FITTED:]]), ms[FITTED:]
    macs = [graph.cost.macs for graph in graphs[FITTED:]]
    error = np.median(np.abs(predicted - rest) / rest)
    steady = np.median([reading.upper_ms / reading.median_ms for reading in readings])
    ranks = spearmanr(predicted, rest)[0]
    return (
        f"| {name} | {metric} | {rest.min():.2f} to {rest.max():.2f} | {steady:.2f} | {ranks:.3f} | {error:.1%} "
        f"| {table.error:.1%} | {spearmanr(macs, rest)[0]:.3f} | {each:.2f} |"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spaces", nargs="*", help="of: " + ", ".join(SPACES))
    parser.add_argument("--metric", default="latency_ms@onnxruntime,b1")
    parser.add_argument("--unseen", type=int, default=50)
    given = parser.parse_args()
    if not set(given.spaces) <= set(SPACES):
        parser.error(f"unknown: {given.spaces}")
    print("| space | metric | ms | upper / median | ranks | error | own estimate | ranks by macs | seconds each |")
    for one in given.spaces or SPACES:
        print(compared(one, given.metric, given.unseen), flush=True)
