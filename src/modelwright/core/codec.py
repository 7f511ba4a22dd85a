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
#: Kind -> (name, default, whether it is empty by default) of each field.
_FIELDS = {
    kind: [(f.name, f.default, f.default_factory is not dataclasses.MISSING) for f in dataclasses.fields(kind)]
    for kind in _EVENTS.values()
}
_NAMES = {k: {f.name for f in dataclasses.fields(k)} for k in (*_EVENTS.values(), *_NESTED.values())}
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False)


def to_plain(value: Any) -> Any:
    """Turn ``value`` into what ``json.dumps`` writes without loss.

    >>> to_plain({"a": (1, float("nan"))})
    {'a': {'$tuple': [1, {'$float': 'nan'}]}}
    """
    kind = type(value)
    if value is None or kind is str or kind is bool or kind is int:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is dict:
        return {k if type(k) is str and k[:1] != "$" else _escape(k): to_plain(v) for k, v in value.items()}
    return _unusual(value)


def _unusual(value: Any) -> Any:
    """``to_plain`` of what is not of Python's own plain types."""
    if isinstance(value, str):
        return str(value)
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
    text = _ENCODER.encode(to_plain(value))
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # half a pair of surrogates, which no file and no database takes as it is
            return json.dumps(to_plain(value), separators=(",", ":"), allow_nan=False)
    return text


def loads(text: str) -> Any:
    """The inverse of ``dumps``."""
    found = json.loads(text)
    return from_plain(found) if '"$' in text else found


def encode_event(event: records.Event) -> tuple[str, str]:
    """An event as (kind, JSON). Fields that hold their default are left out.

    >>> encode_event(records.Started(number=3))
    ('Started', '{"number":3}')
    >>> encode_event(records.Proposed(number=0, config={}))
    ('Proposed', '{"number":0,"config":{}}')
    """
    body = {}
    for name, default, optional in _FIELDS[type(event)]:
        value = getattr(event, name)
        if value is None or (not isinstance(value, (Mapping, tuple)) and value == default):
            continue
        if optional and isinstance(value, Mapping) and not value:
            continue
        body[name] = value
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
    known = _NAMES[kind]
    if not body.keys() <= known:  # fields of a newer version
        body = {k: v for k, v in body.items() if k in known}
    return kind(**body)


def _fields(value: Any) -> list[tuple[str, Any]]:
    return [(spec.name, getattr(value, spec.name)) for spec in dataclasses.fields(value)]


def _escape(key: Any) -> str:
    text = key if isinstance(key, str) else str(key)
    return "$" + text if text.startswith("$") else text
