"""Universal Binary JSON as XGBoost writes it, read strictly: whatever else the format allows is refused."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from modelwright.tasks.stored.held import Damaged, need

_NUMBERS = {code: struct.Struct(f">{kind}") for code, kind in zip(b"iUIlLdD", "bBhiqfd", strict=True)}
_ARRAYS = {code: np.dtype(f">{kind}") for code, kind in zip(b"iUIlLdD", ["i1", "u1", "i2", "i4", "i8", "f4", "f8"])}
_LONG = ord("L")
#: Objects and lists in each other, and values in all, at most.
_DEEPEST, _MOST = 16, 4_000_000


def parsed(content: bytes) -> Any:
    """Dicts, lists, texts, numbers, and arrays where a list has one type.

    Raises:
        Damaged: it is cut short, has something after its end, the same key twice, or what XGBoost does not write.

    >>> parsed(b"{L" + bytes(7) + b"\\x01aSL" + bytes(7) + b"\\x02hi}")
    {'a': 'hi'}
    """
    reading = _Reading(content)
    found = reading.value(0)
    need(reading.at == len(content), "the XGBoost model has something after its end")
    return found


class _Reading:
    """Where reading has come to."""

    def __init__(self, content: bytes):
        self.content, self.at, self.values = content, 0, 0
        self.kinds: dict[int, Callable[[int], Any]] = {
            ord("{"): self._object,
            ord("["): self._list,
            ord("S"): lambda deep: self._text(),
            ord("T"): lambda deep: True,
            ord("F"): lambda deep: False,
        }

    def value(self, deep: int) -> Any:
        code = self._code()
        self.values += 1
        need(self.values <= _MOST, f"the XGBoost model has more than {_MOST:,} values")
        if code in _NUMBERS:
            return self._number(code)
        if code not in self.kinds or deep > _DEEPEST:
            raise Damaged(f"the XGBoost model has {bytes([code])!r} at byte {self.at - 1:,}")
        return self.kinds[code](deep + 1)

    def _code(self) -> int:
        need(self.at < len(self.content), "the XGBoost model is cut short")
        self.at += 1
        return self.content[self.at - 1]

    def _taken(self, count: int) -> int:
        """Where the next ``count`` bytes begin; they are passed over."""
        need(0 <= count <= len(self.content) - self.at, "the XGBoost model is cut short")
        self.at += count
        return self.at - count

    def _number(self, code: int) -> int | float:
        form = _NUMBERS[code]
        return form.unpack_from(self.content, self._taken(form.size))[0]

    def _count(self) -> int:
        need(self._code() == _LONG, "the XGBoost model has a length of another type")
        return int(self._number(_LONG))

    def _text(self) -> str:
        # There are a dozen keys a tree: not by way of the others.
        start = self.at + 9
        need(start <= len(self.content) and self.content[self.at] == _LONG, "the XGBoost model is cut short")
        self.at = start + _NUMBERS[_LONG].unpack_from(self.content, self.at + 1)[0]
        need(start <= self.at <= len(self.content), "the XGBoost model is cut short")
        return self.content[start : self.at].decode()

    def _object(self, deep: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self._next() != ord("}"):
            key = self._text()
            need(key not in found, f"the XGBoost model has {key!r:.40} twice")
            found[key] = self.value(deep)
        self.at += 1
        return found

    def _next(self) -> int:
        need(self.at < len(self.content), "the XGBoost model is cut short")
        return self.content[self.at]

    def _list(self, deep: int) -> list[Any] | np.ndarray:
        if self._next() == ord("$"):
            self.at += 1
            code = self._code()
            need(code in _ARRAYS and self._code() == ord("#"), "the XGBoost model has an array of another type")
            kind, count = _ARRAYS[code], self._count()
            need(count >= 0, "the XGBoost model is cut short")
            return np.frombuffer(self.content, kind, count, self._taken(count * kind.itemsize))
        need(self._code() == ord("#"), "the XGBoost model has a list without a length")
        count = self._count()
        need(0 <= count <= len(self.content) - self.at, "the XGBoost model is cut short")
        return [self.value(deep) for _ in range(count)]
