"""Plain numbers: columns of text in which every cell is a number as Python writes it, or stands for nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from modelwright.tasks.data.digits import Decimals

#: Text that stands for nothing, as it is usually written; a blank may be on either side.
_TEXTS = "? NA N/A #N/A nan NaN NAN null NULL Null None none - . <NA> NaT na n/a Missing missing Unknown unknown"
USUAL = frozenset(
    f"{before}{text}{behind}" for text in ["", *_TEXTS.split()] for before in ("", " ", "\t") for behind in ("", " ")
)
_CODE = re.compile(r"(?:^|\n)\s*0\d")
_EXACT = 2.0**53
_PROBED = 40


@dataclass(frozen=True, slots=True)
class Plain:
    """Numbers that were text.

    Args:
        values: int64 where all are whole and none is missing, else float64 with NaN for missing.
        tokens: text that stood for nothing, without outer blanks, with how often it occurred.
        pointed: whether a cell has a point or an exponent.
    """

    values: np.ndarray
    tokens: dict[str, int] = field(default_factory=dict)
    pointed: bool = False


def plain(cells: Sequence[str | None]) -> Plain | None:
    """The numbers in a column of text; None where a cell is anything else.

    Digits of one length with a zero in front ("020") are codes and no numbers, and so are whole numbers that floats
    cannot hold.

    >>> plain(["1", " 2"]).values, plain(["1.5", "?", None]).tokens
    (array([1, 2]), {'?': 1})
    >>> plain(["1", "two"]) is None, plain(["020", "030"]) is None
    (True, True)
    """
    if not _probed(cells):
        return None
    tokens: Counter[str] = Counter()
    listed: Sequence[str | None] = cells
    values = _floats(listed)
    if values is None:
        listed = [None if cell in USUAL else cell for cell in cells]
        values = _floats(listed)
        if values is None:
            return None
        tokens.update(cell.strip() for cell in cells if cell in USUAL and cell is not None)
    joined = "\n".join(filter(None, listed))
    pointed = "." in joined or "e" in joined or "E" in joined or "n" in joined
    if "_" in joined or (not pointed and _CODE.search(joined) and _are_codes(listed)):
        return None
    if not pointed and bool((np.abs(values) >= _EXACT).any()):
        return None
    if pointed or tokens or np.isnan(values).any():
        return Plain(values, dict(tokens), pointed)
    return Plain(values.astype(np.int64))


def promises(cells: Sequence[str]) -> bool:
    """Whether some cells of a column, "" where there is nothing, leave it open that all are numbers."""
    return all(cell in USUAL or is_float(cell) for cell in cells)


def combined(found: Decimals, odd: np.ndarray, texts: Sequence[str]) -> Plain | None:
    """What ``plain`` makes of a column of which most cells were read at once.

    Args:
        odd: places of the cells that hold something else than plain digits.
        texts: those cells.
    """
    tokens: Counter[str] = Counter()
    kept = [(place, text) for place, text in zip(odd.tolist(), texts, strict=True) if text not in USUAL]
    if not kept and not found.read.any():
        return None
    if all(map(is_float, texts)):
        kept = list(zip(odd.tolist(), texts, strict=True))
    elif all(is_float(text) for _, text in kept):
        tokens.update(text.strip() for text in texts if text in USUAL)
    else:
        return None
    values, others = found.values, [text for _, text in kept]
    values[[place for place, _ in kept]] = [float(text) for text in others]
    pointed = found.pointed or any(sign in text for text in others for sign in ".eEn")
    if any("_" in text for text in others):
        return None
    if not pointed:
        if (found.codes or any(map(_CODE.match, others))) and _alike(found, others):
            return None
        if bool((np.abs(values) >= _EXACT).any()):
            return None
    if pointed or tokens or np.isnan(values).any():
        return Plain(values, dict(tokens), pointed)
    return Plain(values.astype(np.int64))


def _alike(found: Decimals, others: Sequence[str]) -> bool:
    """As ``_are_codes``."""
    bare = [text.strip() for text in others]
    lengths = found.lengths | {len(text) for text in bare}
    return not found.negative and len(lengths) == 1 and min(lengths) >= 3 and all(map(str.isdigit, bare))


def _probed(cells: Sequence[str | None]) -> bool:
    """Whether some cells, looked at here and there, promise numbers."""
    step = max(1, len(cells) // _PROBED)
    seen = [cell for cell in cells[::step] if cell is not None and cell not in USUAL]
    seen = seen or [cell for cell in cells if cell is not None and cell not in USUAL][:_PROBED]
    return bool(seen) and all(map(is_float, seen))


def is_float(text: str) -> bool:
    """Whether Python takes a text for a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _floats(cells: Sequence[str | None]) -> np.ndarray | None:
    try:
        return np.array(cells, dtype=object).astype(np.float64)
    except (ValueError, TypeError):
        return None


def _are_codes(cells: Sequence[str | None]) -> bool:
    """Digits of one length of three or more."""
    texts = {cell.strip() for cell in cells if cell is not None}
    lengths = set(map(len, texts))
    return len(lengths) == 1 and lengths.pop() >= 3 and all(map(str.isdigit, texts))
