"""JSON in and out without loss: NaN, infinities, tuples, numpy scalars and the records.

Tagged values are one-key objects ``{"$kind": ...}``; a user's own key that starts with ``$`` is escaped.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from modelwright.core import records
from modelwright.core.errors import ModelwrightError
from modelwright.core.wording import kind_of

_EVENTS = {
    kind.__name__: kind
    for kind in (
        records.Grew,
        records.Proposed,
        records.Continued,
        records.Started,
        records.Configured,
        records.Reported,
        records.Judged,
        records.Finished,
        records.Noted,
    )
}
_NESTED = {"Failure": records.Failure, "Artifact": records.Artifact}


def to_plain(value: Any) -> Any:
    """Turn ``value`` into what ``json.dumps`` writes without loss.

    >>> to_plain({"a": (1, float("nan"))})
    {'a': {'$tuple': [1, {'$float': 'nan'}]}}
    """
    if value is None or isinstance(value, (str, bool)):
        return str(value) if type(value) is not str and isinstance(value, str) else value
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return number if math.isfinite(number) else {"$float": repr(number)}
    if isinstance(value, Mapping):
        return {_escape(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return {"$tuple": [to_plain(v) for v in value]}
    if isinstance(value, list):
        return [to_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return to_plain(value.item() if value.ndim == 0 else value.tolist())
    name = type(value).__name__
    if _NESTED.get(name) is type(value):
        return {"$" + name: {k: to_plain(v) for k, v in _fields(value)}}
    if isinstance(value, (set, frozenset)):
        return [to_plain(v) for v in sorted(value, key=repr)]
    if hasattr(value, "__float__"):
        return to_plain(float(value))
    raise ModelwrightError(
        f"{kind_of(value)} cannot be stored",
        allowed="numbers, strings, booleans, None, and tuples, lists or mappings of them",
    )


def from_plain(value: Any) -> Any:
    """The inverse of ``to_plain``.

    >>> from_plain(to_plain({"a": (1, 2.5), "$b": None}))
    {'a': (1, 2.5), '$b': None}
    """
    if isinstance(value, list):
        return [from_plain(v) for v in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, body),) = value.items()
        if tag == "$float":
            return float(body)
        if tag == "$tuple":
            return tuple(from_plain(v) for v in body)
        if tag.startswith("$") and tag[1:] in _NESTED:
            return _build(_NESTED[tag[1:]], from_plain(body))
    return {k[1:] if k.startswith("$$") else k: from_plain(v) for k, v in value.items()}


def dumps(value: Any) -> str:
    """Compact JSON of ``to_plain(value)``.

    >>> dumps({"lr": np.float64(0.5)})
    '{"lr":0.5}'
    """
    return json.dumps(to_plain(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def loads(text: str) -> Any:
    """The inverse of ``dumps``."""
    return from_plain(json.loads(text))


def encode_event(event: records.Event) -> tuple[str, str]:
    """An event as (kind, JSON). Fields that hold their default are left out.

    >>> encode_event(records.Started(number=3))
    ('Started', '{"number":3}')
    >>> encode_event(records.Proposed(number=0, config={}))
    ('Proposed', '{"number":0,"config":{}}')
    """
    body = {}
    for spec in dataclasses.fields(event):
        value = getattr(event, spec.name)
        if value is None or (not isinstance(value, (Mapping, tuple)) and value == spec.default):
            continue
        if isinstance(value, Mapping) and not value and spec.default_factory is not dataclasses.MISSING:
            continue
        body[spec.name] = value
    return type(event).__name__, dumps(body)


def decode_event(kind: str, body: str) -> records.Event:
    """The inverse of ``encode_event``.

    Raises:
        ModelwrightError: a kind of event that this version does not know.

    >>> decode_event("Started", '{"number": 3}')
    Started(number=3, segment=0, attempt=0, worker='')
    """
    if kind not in _EVENTS:
        raise ModelwrightError(
            f"unknown kind of event {kind!r}", hint="The store was written by a newer version: upgrade Modelwright."
        )
    return _build(_EVENTS[kind], loads(body))


def _build(kind: type, body: Mapping[str, Any]) -> Any:
    known = {spec.name for spec in dataclasses.fields(kind)}
    return kind(**{k: v for k, v in body.items() if k in known})


def _fields(value: Any) -> list[tuple[str, Any]]:
    return [(spec.name, getattr(value, spec.name)) for spec in dataclasses.fields(value)]


def _escape(key: Any) -> str:
    text = key if isinstance(key, str) else str(key)
    return "$" + text if text.startswith("$") else text
