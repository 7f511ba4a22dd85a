"""Architecture search: spaces of networks that every strategy can search.

A space is a function that writes a network under decisions; its graph is known, with shapes and costs, before anything
is built.

>>> from modelwright import nas
>>> def small(hp, x):
...     for i in range(hp.Int("depth", 1, 3)):
...         x = x.conv(hp.Choice(f"filters{i}", [8, 16]), 3, stride=2).batch_norm().relu()
...     return x.global_avg_pool().dense(10)
>>> space = nas.Architecture(small, (28, 28, 1))
>>> space.graph(space.tree.default()).cost.parameters
194
"""

import importlib
from typing import Any

from modelwright.nas import stock, weightless, weights  # noqa: F401  # their operations are registered
from modelwright.nas.architecture import Architecture
from modelwright.nas.build import build
from modelwright.nas.draw import draw
from modelwright.nas.explain import Explanation, explained
from modelwright.nas.genotype import Genotype, from_model
from modelwright.nas.graph import Graph, Tensor, add, concat, trace
from modelwright.nas.grow import deepen, larger_kernel, skip, widen
from modelwright.nas.hardware import Meter, latency
from modelwright.nas.latency_table import LatencyTable, device_table
from modelwright.nas.measures import MEASURES, measures
from modelwright.nas.morph import Inherited, inherit
from modelwright.nas.nasbench import nasbench201
from modelwright.nas.onnx import to_onnx
from modelwright.nas.operations import Cost, Operation, operation, register
from modelwright.nas.proxies import zero_cost
from modelwright.nas.recipe import Recipe
from modelwright.nas.scaling import Scaled, beyond, scale
from modelwright.nas.screening import screen
from modelwright.nas.spaces.around import around
from modelwright.nas.spaces.branches import branches
from modelwright.nas.spaces.cells import cells
from modelwright.nas.spaces.chain import chain
from modelwright.nas.spaces.mobile import mobile
from modelwright.nas.spaces.repeat import repeat
from modelwright.nas.spaces.tabular import tabular
from modelwright.nas.spaces.template import Template

__all__ = [
    "Architecture", "Cost", "Explanation", "Genotype", "Graph", "Inherited", "LatencyTable", "MEASURES", "Meter",
    "Operation", "Recipe", "Scaled", "Template", "Tensor", "add", "around", "beyond", "branches", "build", "cells",
    "chain", "concat", "deepen", "device_table", "draw", "explained", "from_model", "inherit", "larger_kernel",
    "latency", "measures", "mobile", "nasbench201", "operation", "register", "repeat", "scale", "screen", "skip",
    "tabular", "to_onnx", "trace", "weights", "widen", "zero_cost",
]  # fmt: skip

#: Names of other packages that are found here, because it is here that they are looked for.
_ELSEWHERE = {"search": "modelwright.api.searching"}


def __getattr__(name: str) -> Any:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_ELSEWHERE[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *_ELSEWHERE])
