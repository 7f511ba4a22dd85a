"""Delimited text: encoding, delimiter, header and quotes found, broken rows repaired or refused. Cells stay text."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import itertools
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted
from modelwright.tasks.data.fields import Fields, Look, regular
from modelwright.tasks.data.plain_numbers import Plain, plain
from modelwright.tasks.data.table import Note

#: Share of the rows that may have the wrong number of fields before a file is refused.
TOLERATED = 0.05
_SAMPLE = 200  # lines that a delimiter is judged by
_TITLES = 20  # lines above a header, at most
_EVERY = 1 << 14  # rows between two looks
_SPAN = 500  # lines that one quoted cell may go over where quotes are broken elsewhere
_PIECE = 1 << 22  # bytes that are unpacked between two looks
_NONE = "\x1f"  # a delimiter that does not occur: the file has one column
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"))
_BOMS_16 = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_WESTERN = "modelwright.cp1252"  # how bytes are decoded that are no UTF-8
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?$")


@dataclass(frozen=True, slots=True)
class Records:
    """The rows of a file: ``names`` as they stand there, cells by column, and what was found."""

    names: list[str]
    rows: int
    held: Fields | list[list[str | None]]
    notes: list[Note] = field(default_factory=list)

    @property
    def columns(self) -> list[list[str | None]]:
        """The cells of each column, None where there is nothing."""
        return [self.texts(place).tolist() for place in range(len(self.names))]

    def texts(self, place: int) -> np.ndarray:
        """The cells of one column as text, None where there is nothing."""
        if isinstance(self.held, Fields):
            return self.held.texts(place)
        made = np.empty(self.rows, dtype=object)
        made[:] = self.held[place]
        return made

    def numbers(self, place: int) -> Plain | None:
        """What ``plain`` makes of one column."""
        return self.held.numbers(place) if isinstance(self.held, Fields) else plain(self.held[place])


def records(
    data: bytes, *, where: str, look: Look = lambda: None, fits: Callable[[int], None] = lambda size: None
) -> Records:
    """The records in the bytes of a delimited file.

    Rows with too few fields are filled up with missing cells; rows with too many become rows of missing cells, unless
    what is too much is empty. No row is left out: what is predicted for a file lines up with it. More than 5 % of such
    rows are refused.

    Args:
        look: called now and then; may raise.
        fits: called with the bytes that were unpacked so far; may raise.

    Raises:
        ArgumentError: the file is empty or no text, or too many rows have the wrong number of fields.

    >>> found = records("name;price\\nbréad;1,20\\nmilk\\n".encode("cp1252"), where="shop.csv")
    >>> found.names, found.columns, [note.kind for note in found.notes]
    (['name', 'price'], [['bréad', 'milk'], ['1,20', None]], ['encoding', 'delimiter', 'fields'])
    """
    notes: list[Note] = []
    text = _decoded(_unpacked(data, where, look, fits), notes, where)
    if not text.strip():
        raise ArgumentError("there is nothing in it", where=where, hint="A header and at least one row are needed.")
    said = re.match(r"sep=(.)\r?\n", text)
    text = text[said.end() :] if said else text
    limit = csv.field_size_limit(2**31 - 1)  # a novel in one cell is no error
    try:
        first = list(itertools.islice(io.StringIO(text, newline=""), 2 * _SAMPLE))
        dialect = _dialect(first, said[1] if said else None)
        if dialect["delimiter"] not in (",", _NONE):
            name = {"\t": "a tab", " ": "a blank"}.get(dialect["delimiter"], repr(dialect["delimiter"]))
            notes.append(Note("delimiter", f"the delimiter is {name}", {"delimiter": dialect["delimiter"]}))
        fields = None if dialect["skipinitialspace"] else regular(text, dialect["delimiter"], look)
        if fields is not None:
            names = _below_header(fields, notes)
            return Records(names, fields.rows, fields, notes)
        lines = list(io.StringIO(text, newline=""))
        if dialect["delimiter"] == " ":
            lines = [line.strip(" ") for line in lines]
        parsed = _parsed(lines, dialect, look)
    finally:
        csv.field_size_limit(limit)
    names, found = _rows(*parsed, notes, where)
    width = len(names)
    columns = [[cell or None for cell in cells] for cells in zip(*found)] if found else [[] for _ in range(width)]
    return Records(names, len(found), columns, notes)


def _below_header(fields: Fields, notes: list[Note]) -> list[str]:
    """The names in the header of a regular file, which is left with the rows below it."""
    head = fields.head(_TITLES + 2)
    rows, numbers = _from_header(head, list(range(len(head))), notes)
    names, _, below = _header(rows, numbers, notes)
    fields.below(below[0] if below else len(head))
    return names


# --- bytes to text -------------------------------------------------------------------------------


def _unpacked(data: bytes, where: str, look: Look, fits: Callable[[int], None]) -> bytes:
    if data[:2] == b"\x1f\x8b":
        opened = gzip.open
    elif data[:3] == b"BZh" and data[4:10] == b"1AY&SY":
        opened = bz2.open
    elif data[:6] == b"\xfd7zXZ\x00":
        opened = lzma.open
    else:
        return data
    pieces, size = [], 0
    with opened(io.BytesIO(data)) as packed:
        while piece := _next(packed, where):
            look()
            fits(size := size + len(piece))
            pieces.append(piece)
    return b"".join(pieces)


def _next(packed: io.BufferedIOBase, where: str) -> bytes:
    try:
        return packed.read(_PIECE)
    except (OSError, ValueError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise ArgumentError(
            f"it is compressed and cannot be unpacked: {error}", where=where, hint="Is the file complete?"
        ) from None


def _decoded(data: bytes, notes: list[Note], where: str) -> str:
    if data[:4] == b"PK\x03\x04" or data[:4] == b"\xd0\xcf\x11\xe0":
        raise ArgumentError(
            "it is a spreadsheet or an archive, no delimited text", where=where, hint="Save the sheet as CSV first."
        )
    for mark, encoding in (*_BOMS, *_BOMS_16):
        if data.startswith(mark):
            if encoding != "utf-8":
                notes.append(Note("encoding", f"the encoding is {encoding}", {"encoding": encoding}))
                return data.decode(encoding, errors="replace").lstrip("\ufeff").replace("\x00", "")
            data = data[len(mark) :]
            break
    start = data[:4000]
    if start.count(0) > len(start) // 4:
        encoding = "utf-16-le" if start[1::2].count(0) > start[0::2].count(0) else "utf-16-be"
        if start[1::2].count(0) == start[0::2].count(0):
            raise ArgumentError("it is binary, no text", where=where, allowed="delimited text, or Parquet")
        notes.append(Note("encoding", f"the encoding is {encoding}", {"encoding": encoding}))
        return data.decode(encoding, errors="replace").replace("\x00", "")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = _mixed(data, notes)
    if "\x00" in text:
        notes.append(Note("encoding", f"{counted(text.count(chr(0)), 'NUL character')} left out", {}))
        text = text.replace("\x00", "")
    return text


def _mixed(data: bytes, notes: list[Note]) -> str:
    """Bytes that are not UTF-8 throughout: where other lines are, what is not is cp1252, else each line is."""
    found, others, unicode_lines = [], [], 0
    for place, line in enumerate(data.split(b"\n")):
        try:
            found.append(line.decode("utf-8"))
            unicode_lines += not line.isascii()
        except UnicodeDecodeError:
            found.append(line)
            others.append(place)
    for place in others:
        line = found[place]
        found[place] = line.decode("utf-8", errors=_WESTERN) if unicode_lines else _western(line)
    if unicode_lines:
        first = others[0] + 1
        message = f"letters of {counted(len(others), 'line')} (first: line {first}) are in cp1252 among others in UTF-8"
        notes.append(Note("mixed encodings", message, {"lines": len(others), "first": first, "utf8": unicode_lines}))
    else:
        notes.append(Note("encoding", "the encoding is cp1252", {"encoding": "cp1252"}))
    return "\n".join(found)


def _western(given: bytes) -> str:
    try:
        return given.decode("cp1252")
    except UnicodeDecodeError:  # five bytes mean nothing there
        return given.decode("latin-1")


def _western_here(error: UnicodeError) -> tuple[str, int]:
    """What stands for bytes that are no UTF-8 among others that are."""
    assert isinstance(error, UnicodeDecodeError)
    return _western(error.object[error.start : error.end]), error.end


codecs.register_error(_WESTERN, _western_here)


# --- text to records -----------------------------------------------------------------------------


def _dialect(lines: list[str], said: str | None) -> dict:
    sample = [line for line in itertools.islice(lines, 2 * _SAMPLE) if line.strip()][:_SAMPLE]
    best, score = None, (False, 0.0)
    for delimiter in [said] if said else [",", ";", "\t", "|"]:
        widths = [len(row) for row in csv.reader(sample, delimiter=delimiter, skipinitialspace=True) if row]
        mode, count = Counter(widths).most_common(1)[0]
        share = count / len(widths)
        usual = share >= 0.9 and widths[0] in (mode, mode - 1) and widths[0] > 1
        if max(mode, widths[0]) > 1 and (usual, mode * share) > score and (usual or widths[0] > 1 or mode > 2):
            best, score = delimiter, (usual, mode * share)
    if best is None and len(sample) > 1:
        parts = [line.split() for line in sample]
        if len({len(row) for row in parts}) == 1 and len(parts[0]) > 1:
            numbers = sum(bool(_NUMBER.match(cell)) for row in parts[1:] for cell in row)
            best = " " if numbers > 0.6 * sum(map(len, parts[1:])) else None
    delimiter = said or best or _NONE
    spaced = delimiter == " " or any(f'{delimiter} "' in line for line in sample)
    return {"delimiter": delimiter, "skipinitialspace": spaced}


def _rows(
    rows: list[list[str]], numbers: list[int], unclosed: list[int], notes: list[Note], where: str
) -> tuple[list[str], list[list[str]]]:
    """The header and the rows below it, all as wide as it is."""
    if unclosed:
        message = (
            f"{counted(len(unclosed), 'quote')} never closed, the first in line {unclosed[0]}: taken as a character"
        )
        notes.append(Note("quotes", message, {"count": len(unclosed), "lines": unclosed[:20]}))
    rows, numbers = _from_header(rows, numbers, notes)
    names, body, numbers = _header(rows, numbers, notes)
    return names, _even(names, body, numbers, notes, where)


def _parsed(lines: list[str], dialect: dict, look: Look) -> tuple[list[list[str]], list[int], list[int]]:
    """Rows that are not blank, the line each begins in, and the lines with a quote that never closes."""
    for escape in (None, "\\"):
        if escape and not any('\\"' in line for line in lines):
            continue
        reader = csv.reader(lines, strict=True, escapechar=escape, **dialect)
        rows, numbers, begin, spans = [], [], 1, []
        try:
            for row in reader:
                if row:
                    rows.append(row)
                    numbers.append(begin)
                    if not len(rows) % _EVERY:
                        look()
                    if reader.line_num > begin:
                        spans.append(len(rows) - 1)
                begin = reader.line_num + 1
        except csv.Error:
            continue
        usual = Counter(map(len, rows)).most_common(1)
        if all(len(rows[i]) == usual[0][0] for i in spans):
            return rows, numbers, []
    return _repaired(lines, dialect, look)


def _repaired(lines: list[str], dialect: dict, look: Look) -> tuple[list[list[str]], list[int], list[int]]:
    """Line by line: a quote that does not lead to a whole row of the usual width is taken as a character."""
    sample = [len(row) for row in csv.reader([line for line in lines[:_SAMPLE] if '"' not in line], **dialect) if row]
    width = Counter(sample).most_common(1)[0][0] if sample else len(next(csv.reader(lines[:1], **dialect), []))
    rows, numbers, unclosed, i = [], [], [], 0
    while i < len(lines):
        line, used = lines[i], 1
        if '"' not in line:
            row = next(csv.reader([line], **dialect), [])
        else:
            reader = csv.reader(itertools.islice(lines, i, i + _SPAN), **dialect)
            row = next(reader, [])
            used = reader.line_num
            closed = used == 1 and (len(row) == width or row[-1][-1:] != "\n")
            if not closed and not (len(row) == width and _closes(lines[i : i + used], dialect)):
                plain = next(csv.reader([line], quoting=csv.QUOTE_NONE, **dialect), [])
                row, used = [cell.strip().strip('"') for cell in plain], 1
                unclosed.append(i + 1)
        if row:
            rows.append(row)
            numbers.append(i + 1)
        if not len(rows) % _EVERY:
            look()
        i += used
    return rows, numbers, unclosed


def _closes(lines: list[str], dialect: dict) -> bool:
    try:
        return len(list(csv.reader(lines, strict=True, **dialect))) == 1
    except csv.Error:
        return False


def _from_header(rows: list[list[str]], numbers: list[int], notes: list[Note]) -> tuple[list[list[str]], list[int]]:
    """Without the lines of a title: one field each where the rows have three or more."""
    widths = Counter(len(row) for row in rows)
    usual, count = widths.most_common(1)[0]
    skipped = 0
    if usual >= 3 and count >= 0.8 * len(rows):
        while skipped < min(_TITLES, len(rows) - 1) and sum(bool(cell.strip()) for cell in rows[skipped]) <= 1:
            skipped += 1
    if skipped:
        notes.append(Note("title", f"{counted(skipped, 'line')} above the header left out", {"lines": skipped}))
    return rows[skipped:], numbers[skipped:]


def _header(
    rows: list[list[str]], numbers: list[int], notes: list[Note]
) -> tuple[list[str], list[list[str]], list[int]]:
    first = rows[0]
    if len(rows) > 1 and _is_data(first):
        notes.append(Note("header", "there is no header: the columns are named by their places", {}))
        return [str(i) for i in range(len(first))], rows, numbers
    body = rows[1:]
    wider = sum(len(row) == len(first) + 1 for row in body)
    if body and wider >= (1 - TOLERATED) * len(body) and any(row[-1] for row in body if len(row) == len(first) + 1):
        notes.append(Note("header", "the header lacks the first column's name: it holds the names of rows", {}))
        first = ["", *first]
    return first, body, numbers[1:]


def _is_data(cells: list[str]) -> bool:
    """Whether a first line is no header: nothing but numbers, and some that nobody would name a column by."""
    filled = [cell.strip() for cell in cells]
    return all(_NUMBER.match(cell) for cell in filled) and (
        any(re.search(r"[.,]\d", cell) or cell[:1] == "-" for cell in filled) or len(set(filled)) < len(filled)
    )


def _even(
    names: list[str], rows: list[list[str]], numbers: list[int], notes: list[Note], where: str
) -> list[list[str]]:
    """All rows as wide as the header."""
    width = len(names)
    if all(len(row) == width for row in rows):
        return rows
    wrong, short = [], 0
    for i, row in enumerate(rows):
        if len(row) < width:
            wrong.append(i)
            short += 1
            rows[i] = row + [""] * (width - len(row))
        elif len(row) > width:
            if any(cell.strip() for cell in row[width:]):
                wrong.append(i)
                rows[i] = [""] * width
            else:
                rows[i] = row[:width]
    if not wrong:
        return rows
    shown = ", ".join(str(numbers[i]) for i in wrong[:5]) + (", ..." if len(wrong) > 5 else "")
    message = (
        f"{counted(len(wrong), 'row')} of {len(rows):,} {'has' if len(wrong) == 1 else 'have'} not "
        f"{counted(width, 'field')} as the header (line{'' if len(wrong) == 1 else 's'} {shown})"
    )
    if len(wrong) > max(1, TOLERATED * len(rows)):
        raise ArgumentError(
            message, where=where, allowed=f"{TOLERATED:.0%} of the rows", hint="Are the delimiter and the quotes right?"
        )
    made = f"{short} filled up with missing cells, {len(wrong) - short} taken as missing throughout"
    data = {"count": len(wrong), "short": short, "long": len(wrong) - short, "lines": [numbers[i] for i in wrong[:20]]}
    notes.append(Note("fields", f"{message}: {made}", data))
    return rows
