"""Fields of a regular file: where each cell begins and ends, found for all rows at once in the bytes of the text.

Regular is a file whose rows all have as many fields, and whose quotes, where there are any, stand around whole cells.
What is not regular is left to ``csv``; what is read here is read to the same cells.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from modelwright.tasks.data.digits import decimals
from modelwright.tasks.data.plain_numbers import Plain, combined, plain, promises

_NEWLINE, _RETURN, _QUOTE = 10, 13, 34
#: Bytes, and rows, that are looked at together.
_BYTES, _ROWS = 1 << 23, 1 << 15
#: Cells that are looked at to see what a column holds, and the share that may differ for it to hold few texts.
_PROBED, _SAMPLED, _FEW = 40, 2000, 0.5
#: Longest text of a column that is taken for one of few; share of cells that may be no plain digits among numbers.
_SHORT, _ODD = 64, 0.1

#: Called now and then while something takes long; may raise.
Look = Callable[[], None]


class Fields:
    """The cells of a regular file, by column; made by ``regular``.

    Args:
        raw: the text.
        begins, ends: places in it, (rows, columns).
        quoted: whether two quotes in a cell stand for one.
    """

    def __init__(self, raw: bytes, begins: np.ndarray, ends: np.ndarray, *, quoted: bool):
        self._raw, self._buffer, self._quoted = raw, np.frombuffer(raw, np.uint8), quoted
        self._text = raw.decode("ascii") if raw.isascii() else None
        self._begins, self._ends, self._first = begins, ends, 0

    @property
    def rows(self) -> int:
        return len(self._ends) - self._first

    @property
    def width(self) -> int:
        return self._ends.shape[1]

    def head(self, rows: int) -> list[list[str]]:
        """The first rows, each a list of its cells."""
        shown = slice(self._first, self._first + rows)
        return [self._cut(*row) for row in zip(self._begins[shown], self._ends[shown], strict=True)]

    def below(self, rows: int) -> None:
        """Leave out the first rows: a title, a header."""
        self._first += rows

    def texts(self, place: int) -> np.ndarray:
        """The cells of a column as text, None where there is nothing: (rows,)."""
        begins, ends = self._span(place)
        made = np.full(self.rows, None, dtype=object)
        if not self.rows:
            return made
        step = max(1, self.rows // _SAMPLED)
        sample = self._cut(begins[::step], ends[::step])
        longest = int((ends - begins).max())
        if 0 < longest <= _SHORT and len(set(sample)) <= max(1, _FEW * len(sample)):
            self._shared(made, begins, ends, longest)
        elif longest:
            made[:] = self._cut(begins, ends)
        made[begins == ends] = None
        return made

    def numbers(self, place: int) -> Plain | None:
        """What ``plain`` makes of the cells of a column."""
        begins, ends = self._span(place)
        step = max(1, self.rows // _PROBED)
        if not promises(self._cut(begins[::step], ends[::step])):
            return None
        found = decimals(self._buffer, begins, ends)
        odd = np.flatnonzero(~found.read & (begins < ends))
        if len(odd) > _ODD * self.rows:
            return plain(self.texts(place).tolist())
        return combined(found, odd, self._cut(begins[odd], ends[odd]))

    def _span(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        return (
            np.ascontiguousarray(self._begins[self._first :, place]),
            np.ascontiguousarray(self._ends[self._first :, place]),
        )

    def _cut(self, begins: np.ndarray, ends: np.ndarray) -> list[str]:
        """Cells as text, "" where there is nothing."""
        pairs = zip(begins.tolist(), ends.tolist(), strict=True)
        if self._text is not None:
            text = self._text
            made = [text[begin:end] for begin, end in pairs]
        else:
            raw = self._raw
            made = [str(raw[begin:end], "utf-8") for begin, end in pairs]
        return [cell.replace('""', '"') for cell in made] if self._quoted else made

    def _shared(self, made: np.ndarray, begins: np.ndarray, ends: np.ndarray, longest: int) -> None:
        """Fill in texts, each of them made once."""
        known: dict[bytes, str] = {}
        places, last = np.arange(longest), len(self._buffer) - 1
        for start in range(0, len(begins), _ROWS):
            part = slice(start, start + _ROWS)
            signs = self._buffer[np.minimum(begins[part, None] + places, last)]
            signs[places >= (ends[part] - begins[part])[:, None]] = 0
            cells = signs.view(f"S{longest}").ravel().tolist()
            for cell in set(cells) - known.keys():
                text = cell.decode("utf-8")
                known[cell] = text.replace('""', '"') if self._quoted else text
            made[part] = list(map(known.__getitem__, cells))


def regular(text: str, delimiter: str, look: Look) -> Fields | None:
    """The fields of a text; None where it is not regular.

    Args:
        look: called now and then.

    >>> found = regular("a,b\\n1,'x'\\n".replace("'", '"'), ",", lambda: None)
    >>> found.head(2), regular("a,b\\n1\\n", ",", lambda: None)
    ([['a', 'b'], ['1', 'x']], None)
    """
    raw = text.encode("utf-8", errors="surrogatepass")
    if raw.count(b"\r") != raw.count(b"\r\n"):
        return None
    raw = raw.rstrip(b"\r\n") + b"\n"
    separator = ord(delimiter)
    if separator > 127:
        return None
    buffer, quoted = np.frombuffer(raw, np.uint8), b'"' in raw
    ends = _separators(buffer, separator, look, quoted=quoted)
    if ends is None or not len(ends):
        return None
    width = 1 + int(np.argmax(buffer[ends] == _NEWLINE))
    if len(ends) % width:
        return None
    begins = np.empty_like(ends)
    begins[0], begins[1:] = 0, ends[:-1] + 1
    begins, ends = begins.reshape(-1, width), ends.reshape(-1, width)
    newlines = buffer[ends] == _NEWLINE
    if not newlines[:, -1].all() or newlines[:, :-1].any():
        return None
    ends[:, -1] -= (buffer[np.maximum(ends[:, -1] - 1, 0)] == _RETURN) & (ends[:, -1] > begins[:, -1])
    if width == 1 and (begins == ends).any():  # a blank line is no row
        return None
    if quoted and not _unquoted(raw, buffer, begins, ends):
        return None
    return Fields(raw, begins, ends, quoted=quoted)


def _separators(buffer: np.ndarray, separator: int, look: Look, *, quoted: bool) -> np.ndarray | None:
    """Places of delimiters and ends of lines that are in no quotes; None where quotes do not close."""
    kind = np.int32 if len(buffer) < 2**31 else np.int64
    found, within = [], np.uint8(0)
    for start in range(0, len(buffer), _BYTES):
        look()
        part = buffer[start : start + _BYTES]
        marked = (part == separator) | (part == _NEWLINE)
        if quoted:
            inside = np.bitwise_xor.accumulate((part == _QUOTE).astype(np.uint8)) ^ within
            within = inside[-1]
            marked &= inside == 0
        found.append((np.flatnonzero(marked) + start).astype(kind))
    return None if within else np.concatenate(found)


def _unquoted(raw: bytes, buffer: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> bool:
    """Take the quotes off the cells that stand in them; whether all quotes are such, or doubled inside."""
    quotes = np.flatnonzero(buffer == _QUOTE).astype(ends.dtype)
    for place in range(ends.shape[1]):
        begin, end = begins[:, place], ends[:, place]
        count = np.searchsorted(quotes, end) - np.searchsorted(quotes, begin)
        some = np.flatnonzero(count)
        whole = (count[some] >= 2) & (buffer[begin[some]] == _QUOTE) & (buffer[end[some] - 1] == _QUOTE)
        if not whole.all():
            return False
        begins[some, place] += 1
        ends[some, place] -= 1
        for row in np.flatnonzero(count > 2):
            if b'"' in raw[begins[row, place] : ends[row, place]].replace(b'""', b""):
                return False
    return True
