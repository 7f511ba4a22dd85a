"""Optuna's distributions in our terms: one parameter for each name, wide enough for every trial. Reads no file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from modelwright.core.errors import SpaceError

_OLD = {
    "UniformDistribution": {"kind": "float", "log": False},
    "LogUniformDistribution": {"kind": "float", "log": True},
    "DiscreteUniformDistribution": {"kind": "float", "log": False},
    "IntUniformDistribution": {"kind": "int", "log": False},
    "IntLogUniformDistribution": {"kind": "int", "log": True},
    "FloatDistribution": {"kind": "float"},
    "IntDistribution": {"kind": "int"},
    "CategoricalDistribution": {"kind": "choice"},
}


class Distributions:
    """The parameters of a study.

    Optuna lets a range differ from trial to trial: the widest counts then, and a step that differs is dropped.

    Args:
        trials: for each trial, parameter name -> (stored number, distribution as JSON).

    >>> spec = '{"name": "IntDistribution", "attributes": {"low": 1, "high": 9, "step": 2, "log": false}}'
    >>> made = Distributions([{"n": (3.0, spec)}])
    >>> made.config({"n": (3.0, spec)})
    {'n': 3}
    """

    def __init__(self, trials: Iterable[Mapping[str, tuple[float, str]]]):
        self._read: dict[str, dict[str, Any]] = {}
        self._known: dict[str, dict[str, Any]] = {}
        for raw in trials:
            for name, (_, text) in raw.items():
                found = self._distribution(name, text)
                self._known[name] = _joined(name, self._known[name], found) if name in self._known else found

    def specs(self) -> tuple[dict[str, Any], ...]:
        """The parameters as ``records.Grew`` holds them."""
        from modelwright.space import HyperParameters

        hp = HyperParameters()
        for name, found in self._known.items():
            _declare(hp, name, found)
        return tuple(hp.tree.specs())

    def config(self, raw: Mapping[str, tuple[float, str]]) -> dict[str, Any]:
        """The values of one trial."""
        return {name: _value(value, self._distribution(name, text)) for name, (value, text) in raw.items()}

    def _distribution(self, name: str, text: str) -> dict[str, Any]:
        if text not in self._read:
            given = json.loads(text)
            kind = given["name"]
            if kind not in _OLD:
                raise SpaceError(f"the distribution {kind} of Optuna is not known", where=repr(name))
            attributes = given["attributes"]
            found = {"step": attributes.get("q"), **attributes, **_OLD[kind]}
            if found["kind"] == "choice":
                found["choices"] = [_choice(item) for item in attributes["choices"]]
            self._read[text] = found
        return self._read[text]


def _choice(item: Any) -> Any:
    """A choice as a value of ours: lists are tuples, and objects that only JSON can hold are their text."""
    if isinstance(item, list):
        return tuple(_choice(part) for part in item)
    return json.dumps(item, sort_keys=True) if isinstance(item, dict) else item


def _joined(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    if one is other:
        return dict(one)
    if one["kind"] == "choice" or other["kind"] == "choice":
        if one["kind"] != other["kind"]:
            raise SpaceError("it is a choice in some trials and a number in others", where=repr(name))
        return {**one, "choices": _distinct([*one["choices"], *other["choices"]])}
    same = one.get("step") == other.get("step") and (one["low"] == other["low"] or not one.get("step"))
    return {
        "kind": "float" if "float" in (one["kind"], other["kind"]) else "int",
        "low": min(one["low"], other["low"]),
        "high": max(one["high"], other["high"]),
        "log": bool(one.get("log")) and bool(other.get("log")),
        "step": one.get("step") if same else None,
    }


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Values without repetition; ``1``, ``1.0`` and ``True`` are three."""
    return list({(type(value).__name__, repr(value)): value for value in values}.values())


def _declare(hp: Any, name: str, found: Mapping[str, Any]) -> None:
    if found["kind"] == "choice":
        choices = _distinct(found["choices"])
        if len(choices) == 2 and all(type(value) is bool for value in choices):
            hp.Boolean(name)
        else:
            hp.Choice(name, choices)
        return
    sampling = "log" if found.get("log") else "linear"
    step = found.get("step")
    if found["kind"] == "int":
        hp.Int(name, found["low"], found["high"], step=None if step in (None, 1) else step, sampling=sampling)
    else:
        hp.Float(name, found["low"], found["high"], step=step, sampling=sampling)


def _value(stored: float, found: Mapping[str, Any]) -> Any:
    if found["kind"] == "choice":
        return found["choices"][int(stored)]
    if found["kind"] == "int":
        return round(stored)
    step = found.get("step")
    if step and math.isfinite(stored):  # the nearest point of the lattice, without the noise of a sum of floats
        return float(f"{found['low'] + round((stored - found['low']) / step) * step:.12g}")
    return float(stored)
