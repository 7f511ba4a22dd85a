"""Missing values: how many, in the same rows as others, and whether their absence tells of the target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from modelwright.core.wording import counted
from modelwright.tasks.checks.alone import level_alone
from modelwright.tasks.checks.evidence import Evidence
from modelwright.tasks.checks.record import Check, named, percent, settled
from modelwright.tasks.data.kinds import NOTHING
from modelwright.tasks.data.schema import Column

NAME, READ = "missing values", "unreadable cells"
_DONE = "kept as missing: trees treat it as a value of its own, other models fill it and add a mark"
#: Share of the target's variance that absence alone must explain to be worth a question.
_TELLS = 0.05
#: Share of the cells of a row beyond which it is nearly empty, and columns from which that can be said.
_EMPTY, _COLUMNS = 0.8, 5


def missing_values(evidence: Evidence) -> list[Check]:
    """Missing cells of every column, with their pattern, and rows that hold next to nothing."""
    found = sorted(_columns(evidence), key=lambda check: (check.status != "alert", -(check.count or 0)))
    return settled(NAME, [*_empty_rows(evidence), *found], "no cell is missing")


def unreadable_cells(evidence: Evidence) -> list[Check]:
    """Cells that were read as missing though something stands in them, and infinite numbers."""
    found: list[Check] = []
    for column in evidence.schema.used:
        # Of files, columns of numbers come without the texts among them.
        found += _unreadable(column, written=evidence.table.columns[column.name].dtype.kind == "O")
    return settled(READ, found, "every cell that holds something could be read")


def _columns(evidence: Evidence) -> Iterator[Check]:
    masks = {column.name: evidence.missing[column.name] for column in evidence.schema.used}
    masks = {name: mask for name, mask in masks.items() if mask.any()}
    alike: dict[bytes, list[str]] = {}
    for name, mask in masks.items():
        alike.setdefault(np.packbits(mask).tobytes(), []).append(name)
    told: dict[bytes, float] = {}
    for name, mask in masks.items():
        key, count = np.packbits(mask).tobytes(), int(mask.sum())
        others = [other for other in alike[key][:5] if other != name][:4]
        more = len(alike[key]) - 1 - len(others)
        rest = f" ({more:,} more)" if more else ""
        together = f", in the same rows as {named(others)}{rest}" if others and count > 1 else ""
        if key not in told:
            told[key] = 0.0 if evidence.late else _explained(evidence, mask)
        message = f"{counted(count, 'cell')} ({percent(count / evidence.rows)}) {_are(count)} missing{together}"
        if told[key] > _TELLS and name == alike[key][0]:
            yield Check(
                name=NAME,
                status="alert",
                column=name,
                count=count,
                message=f"{message}, and that alone explains {percent(told[key])} of the target",
                done=_DONE,
                undo=f"ask why it is missing: is it known before the target is? If not, without=[{name!r}]",
            )
        else:
            yield Check(name=NAME, status="fixed", column=name, count=count, message=message, done=_DONE, undo=_FILL)


_FILL = "fill the cells before fitting, if you know what belongs there"


def _explained(evidence: Evidence, mask: np.ndarray) -> float:
    """The share of the target's variance that a mark of absence explains out of fold, less chance."""
    here = mask[evidence.sample]
    if min(here.sum(), (~here).sum()) < 10:
        return 0.0
    share = level_alone(here.astype(int), evidence.z, evidence.folds)
    paired = (evidence.z**2).sum(axis=1) - share.losses
    error = float(paired.std() / np.sqrt(len(paired)))
    return 1 - share.left if paired.mean() > 4 * error else 0.0


def _empty_rows(evidence: Evidence) -> list[Check]:
    used = [column.name for column in evidence.schema.used]
    if len(used) < _COLUMNS:
        return []
    counts = np.zeros(evidence.rows, dtype=np.int64)
    for name in used:
        counts += evidence.missing[name]
    count = int((counts > _EMPTY * len(used)).sum())
    usual = float(np.median(counts)) > _EMPTY * len(used) / 2
    if not count or usual:
        return []
    message = f"{counted(count, 'row')} {'holds' if count == 1 else 'hold'} next to nothing"
    return [
        Check(
            name=NAME, status="alert", count=count, message=message, done="kept", undo="drop such rows before fitting"
        )
    ]


def _levels_of(name: str, tokens: Iterable[str], written: bool) -> str:
    """How texts that stand for nothing become levels, where they can: "" for those that never are, such as "NA"."""
    able = [text for text in tokens if text.casefold() not in NOTHING]
    return f"kinds={{{name!r}: 'category'}} makes a level of {named(able, most=3)}" if able and written else ""


def _unreadable(column: Column, written: bool) -> Iterator[Check]:
    seen = column.details.get("seen", {})
    read_as = f"read as missing {_PLURAL[column.kind]}" if column.kind in _PLURAL else "read as missing"
    tokens = seen.get("tokens", {})
    if tokens:
        count = sum(tokens.values())
        shown = ", ".join(f"{text!r} {times:,} times" if text else f"{times:,} blank" for text, times in tokens.items())
        yield Check(
            name=READ,
            status="fixed",
            column=column.name,
            count=count,
            message=f"{counted(count, 'cell')} stand for nothing: {shown:.120}"
            if count > 1
            else f"1 cell stands for nothing: {shown:.80}",
            done=read_as,
            undo=_levels_of(column.name, tokens, written) or _FILL,
        )
    bad = seen.get("unreadable", 0)
    if bad:
        shown = named(list(seen.get("examples", ())), most=3)
        yield Check(
            name="mixed types",
            status="alert",
            column=column.name,
            count=bad,
            message=f"{counted(bad, 'cell')} of a column of {_PLURAL.get(column.kind, column.kind)} hold something "
            f"else: {shown}",
            done=read_as,
            undo=f"mend the cells, or kinds={{{column.name!r}: 'category'}}",
        )
    if seen.get("infinite"):
        yield Check(
            name=READ,
            status="fixed",
            column=column.name,
            count=seen["infinite"],
            message=f"{counted(seen['infinite'], 'cell')} {_are(seen['infinite'])} infinite",
            done=read_as,
            undo=_FILL,
        )


_PLURAL = {"number": "numbers", "datetime": "dates", "boolean": "yes and no"}


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
