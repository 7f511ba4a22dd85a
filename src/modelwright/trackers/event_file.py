"""An event file as TensorBoard reads it: framed records with checksums, each a small protocol buffer.

Formats: TFRecord (tensorflow/core/lib/io/record_writer.h), event.proto and summary.proto of TensorFlow,
plugin_data.proto of TensorBoard's HParams plugin, and protocol buffers' wire format.
"""

from __future__ import annotations

import itertools
import os
import platform
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelwright.core.records import Config

_count = itertools.count()


class EventFile:
    """A new event file in ``folder``; each call is written when it returns."""

    def __init__(self, folder: Path, at: float):
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(at):010d}.{platform.node()}.{os.getpid()}.{next(_count)}"
        self._file = (folder / name).open("xb")
        self._write(_double(1, at) + _text(3, "brain.Event:2"))

    def scalars(self, metrics: Mapping[str, float], step: int, at: float) -> None:
        """Numbers of one step; those that no 32-bit float holds become infinite."""
        values = b"".join(_bytes(1, _text(1, name) + _float(2, value)) for name, value in metrics.items())
        if values:
            self._write(_double(1, at) + _int(2, step) + _bytes(5, values))

    def hparams(self, config: Config, group: str, at: float) -> None:
        """The row of the HParams table begins. ``group``: sessions of one group are shown together."""
        entries = b"".join(_bytes(1, _text(1, name) + _bytes(2, _value(v))) for name, v in config.items())
        self._plugin("_hparams_/session_start_info", _bytes(3, entries + _text(4, group) + _double(5, at)), at)

    def ended(self, status: int, at: float) -> None:
        """The row of the HParams table ends. ``status``: 1 success, 2 failure."""
        self._plugin("_hparams_/session_end_info", _bytes(4, _int(1, status) + _double(2, at)), at)

    def close(self) -> None:
        """Let go of the file. Closing twice is harmless."""
        self._file.close()

    def _plugin(self, tag: str, content: bytes, at: float) -> None:
        plugin = _text(1, "hparams") + _bytes(2, content)
        nothing = _int(1, 1) + _bytes(2, _bytes(2, b""))  # a float tensor of shape (0,), which TensorBoard expects
        value = _text(1, tag) + _bytes(8, nothing) + _bytes(9, _bytes(1, plugin))
        self._write(_double(1, at) + _bytes(5, _bytes(1, value)))

    def _write(self, event: bytes) -> None:
        length = struct.pack("<Q", len(event))
        self._file.write(length + _masked(length) + event + _masked(event))
        self._file.flush()


# --- protocol buffers ---------------------------------------------------------------------------------


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _int(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _double(field: int, number: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", number)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode("utf-8", "backslashreplace"))


def _float(field: int, number: float) -> bytes:
    try:
        packed = struct.pack("<f", number)
    except OverflowError:
        packed = struct.pack("<f", float("inf") if number > 0 else float("-inf"))
    return _varint(field << 3 | 5) + packed


def _value(value: Any) -> bytes:
    """A ``google.protobuf.Value``."""
    if isinstance(value, bool):
        return _int(4, int(value))
    if isinstance(value, (int, float)) and abs(value) < 1 << 1000:
        return _double(2, float(value))
    return _text(3, str(value))


# --- checksums ----------------------------------------------------------------------------------------


def _table() -> tuple[int, ...]:
    made = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        made.append(byte)
    return tuple(made)


_CRC = _table()


def crc32c(content: bytes) -> int:
    """The checksum of Castagnoli's polynomial.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    crc = 0xFFFFFFFF
    for byte in content:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _masked(content: bytes) -> bytes:
    crc = crc32c(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
