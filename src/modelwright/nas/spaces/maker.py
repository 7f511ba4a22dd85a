"""The frame of the functions that make ready spaces: arguments that they do not know. Not what arguments mean."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

from modelwright.core.errors import SpaceError
from modelwright.core.wording import did_you_mean

P = ParamSpec("P")
T = TypeVar("T")

#: What is written here -> what it is called elsewhere. A word that stands twice is the first that a space has.
_ELSEWHERE = {
    "width": "filters num_filters channels base_width",
    "units": "neurons hidden hidden_units hidden_size",
    "widths": "width filters units neurons hidden hidden_units hidden_size",
    "kernels": "kernel kernel_size kernel_sizes filter_size",
    "depth": "layers num_layers n_layers blocks num_blocks n_blocks",
    "nodes": "layers num_layers depth blocks num_nodes",
    "cells": "layers depth num_cells n_cells",
    "stages": "num_stages n_stages",
    "activations": "activation act nonlinearity",
    "norms": "norm normalization normalisation batch_norm",
    "inits": "init initializer kernel_initializer initialisation",
    "dropouts": "dropout dropout_rate",
    "kinds": "kind layer_types block types",
    "operations": "ops operation primitives",
    "reductions": "reduction pooling pool downsampling",
    "expansions": "expansion expand_ratio",
    "joins": "join merge",
    "stride": "strides",
    "classes": "num_classes n_classes outputs output_dim num_outputs",
    "shape": "input_shape shapes inputs input_dim",
}


def space_maker(function: Callable[P, T]) -> Callable[P, T]:
    """A function that makes a space, with clear words for arguments that it lacks.

    Raises:
        SpaceError: there is no such argument.
    """
    where, places = f"nas.{function.__name__}", inspect.signature(function).parameters

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        _refuse_unknown(kwargs, places, where)
        return function(*args, **kwargs)

    return called


def _refuse_unknown(given: Iterable[str], places: Mapping[str, Any], where: str) -> None:
    unknown = [name for name in given if name not in places]
    if not unknown:
        return
    hints = [_meant(name, places) for name in unknown]
    raise SpaceError(
        f"there is no argument {', '.join(map(repr, unknown))}",
        where=where,
        allowed=", ".join(places),
        hint="; ".join(dict.fromkeys(filter(None, hints))) or f"help({where}) says what each is.",
    )


def _meant(word: str, places: Mapping[str, Any]) -> str:
    here = [name for name, words in _ELSEWHERE.items() if name in places and word.lower() in words.split()]
    return f"{word}= is written {here[0]}=..." if here else did_you_mean(word, places, 1)
