"""Zero-cost scores: what one costs in CPU-seconds, and what it says of published accuracies beyond size.

    MODELWRIGHT_DATA=... KERAS_BACKEND=jax python benchmarks/nas/proxies.py [cost] [published] [--networks 100]

``cost``: random networks of at most 250,000 parameters from the spaces for 28x28 images, a batch of 32: the mean over
the first 50, when executables are still compiled, over the next 50, and over all in a second pass, when there are
executables for all of their shapes. ``published``: networks of NAS-Bench-201, scored on noise with our weights: the
rank correlation with the stored scores (CIFAR-10, other weights), with validation accuracy, and with validation
accuracy given the ranks of parameters and operations.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np
from scipy.stats import spearmanr

from modelwright import nas
from modelwright.core.errors import SpaceError
from modelwright.nas.nasbench import configuration
from modelwright.nas.screening import partial_correlation

SHAPE, CLASSES, LIMIT = (28, 28, 1), 10, 250_000
SCORES = ("nwot", "synflow", "jacob_cov", "snip")
#: Names of the stored columns, where they differ.
STORED = {"jacob_cov": "jacov"}


def candidates(space: nas.Architecture, number: int, seed: int = 0) -> Iterator[nas.Graph]:
    draws = np.random.default_rng(seed)
    while number:
        try:
            graph = space.graph(space.tree.sample(draws))
        except SpaceError:
            continue
        if graph.cost.parameters <= LIMIT:
            number -= 1
            yield graph


def seconds(graphs: list[nas.Graph], score: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    found = []
    for graph in graphs:
        start = time.process_time()
        nas.zero_cost(graph, score, x=x, y=y)
        found.append(time.process_time() - start)
    return np.array(found)


def cost(number: int) -> None:
    draws = np.random.default_rng(0)
    x, y = draws.normal(size=(32, *SHAPE)), draws.integers(0, CLASSES, 32)
    spaces = {
        "chain": nas.chain(SHAPE, CLASSES),
        "cells": nas.cells(SHAPE, CLASSES),
        "nasbench201": nas.nasbench201(SHAPE, CLASSES),
    }
    print("| space | millions of macs, median | score | first 50 | next 50 | later, median | 90 % |")
    for name, space in spaces.items():
        graphs = list(candidates(space, number))
        macs = np.median([graph.cost.macs for graph in graphs]) / 1e6
        for score in SCORES:
            first, later = seconds(graphs, score, x, y), seconds(graphs, score, x, y)
            print(
                f"| {name} | {macs:.1f} | {score} | {first[:50].mean():.3f} | {first[50:].mean():.3f} "
                f"| {np.median(later):.3f} | {np.quantile(later, 0.9):.3f} |",
                flush=True,
            )


def published(number: int) -> None:
    path = Path(os.environ["MODELWRIGHT_DATA"]) / "nas" / "zerocost_sampled.csv.gz"
    with gzip.open(path, "rt", newline="") as file:
        rows = [r for r in csv.DictReader(file) if (r["bench"], r["dataset"]) == ("nasbench201", "cifar10")][:number]
    space, draws = nas.nasbench201(), np.random.default_rng(0)
    graphs = [space.graph(configuration(row["arch"])) for row in rows]
    x, y = draws.normal(size=(32, 32, 32, 3)), draws.integers(0, 10, 32)
    accuracy = [float(row["val_accuracy"]) for row in rows]
    print(
        f"\n{len(rows)} networks\n\n| score | with the stored one | with accuracy | given size | stored, given size |"
    )
    for score in (*SCORES, "params", "macs"):
        screen = nas.screen(graphs, score, x=x, y=y, values=accuracy)
        told = f"| {score} | - | {screen.correlation:.2f} | | |"
        if score in SCORES:
            stored = [float(row[STORED.get(score, score)]) for row in rows]
            sizes = {"params": screen.params, "macs": screen.macs}
            told = (
                f"| {score} | {spearmanr(screen.scores, stored)[0]:.3f} | {screen.correlation:.2f} "
                f"| {screen.partial:.2f} | {partial_correlation(stored, accuracy, sizes):.2f} |"
            )
        print(told, flush=True)


PARTS = {"cost": cost, "published": published}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help="of: " + ", ".join(PARTS))
    parser.add_argument("--networks", type=int, default=100)
    given = parser.parse_args()
    if not set(given.parts) <= set(PARTS):
        parser.error(f"unknown: {given.parts}")
    for part in given.parts or PARTS:
        PARTS[part](given.networks)
