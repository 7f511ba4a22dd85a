"""Whether fitted steps of features fit the columns that they read, and each other. Knows no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.dates import PARTS
from modelwright.tasks.features.registered import REGISTER
from modelwright.tasks.features.step import AppliedMatrix
from modelwright.tasks.stored.held import DOUBLE, array, items, mapping, need, places, text, whole

_MOST_FEATURES, _MOST_BUCKETS, _MOST_STEPS = 100_000, 2**24, 100


class _Step:
    """A step as it is stored, with the columns there are.

    Attributes:
        width: features that the steps before made: what a step on the matrix takes.
        makes: how many it says it makes.
    """

    def __init__(self, json: Mapping[str, Any], arrays: Mapping[str, Any], frame: Frame, width: int):
        self.json, self.arrays, self.frame, self.width = json, arrays, frame, width
        names = items(json.get("names"), "names of features", str)
        self.makes = len(names)
        need(self.makes <= _MOST_FEATURES, f"a step makes {self.makes:,} features")
        for source in items(json.get("sources"), "sources of features", list | tuple, self.makes):
            items(source, "sources of a feature", str)
        codes = items(json.get("categorical", ()), "categorical", int)
        need(all(0 <= a < self.makes for a in codes) and len(set(codes)) == len(codes), "categorical points outside")
        for dropped in items(json.get("dropped", ()), "dropped", list | tuple):
            need(len(dropped) == 3 and isinstance(dropped[0], str) and isinstance(dropped[2], str), "dropped")
            items(dropped[1], "sources of what was dropped", str)

    def columns(self, key: str, part: Mapping[str, Any]) -> list[str]:
        """Names of columns that a frame has."""
        found = items(self.json.get(key), key, str)
        unknown = [name for name in found if name not in part]
        need(not unknown, f"a step reads {unknown[:1]!r:.60}, which is no such column")
        return list(found)

    def made(self, count: int) -> None:
        """The step makes so many features."""
        need(count == self.makes, f"a step makes {count:,} features and names {self.makes:,}")

    def sizes(self, columns: list[str], more: int, key: str) -> int:
        """For each column its levels and ``more``; the sum."""
        found = list(items(self.json.get(key), key, int, len(columns)))
        need(found == [len(self.frame.levels[name]) + more for name in columns], f"{key} are not those of the columns")
        return sum(found)


def check(json: Any, arrays: Mapping[str, Any], frame: Frame) -> int:
    """Refuse features that do not fit the columns.

    Args:
        json, arrays: as ``recipe.Fitted.state`` gives them.
        frame: any rows of the columns that the model is given.

    Returns:
        How many features a model of them takes.

    Raises:
        Damaged: some step asks for what is not there.
    """
    listed = items(mapping(json, "features").get("steps"), "steps", dict)
    need(len(listed) <= _MOST_STEPS, f"features of {len(listed):,} steps")
    kinds = [text(one.get("step"), "a step of the features", tuple(REGISTER.applied)) for one in listed]
    on_matrix = [issubclass(REGISTER.applied[kind], AppliedMatrix) for kind in kinds]
    width = 0
    for late in (False, True):  # steps on the matrix come after those that read columns
        for number, (one, kind, late_one) in enumerate(zip(listed, kinds, on_matrix, strict=True)):
            if late_one == late:
                start = f"{number}/"
                own = {name[len(start) :]: value for name, value in arrays.items() if name.startswith(start)}
                step = _Step(one, own, frame, width)
                _CHECKS[kind](step)
                width = step.makes if late else width + step.makes
    need(0 < width <= _MOST_FEATURES, f"there are {width:,} features")
    return width


def _numbers(step: _Step) -> None:
    step.columns("names", step.frame.numbers)
    array(step.arrays, "shift", "f", (step.makes,), DOUBLE)


def _nothing(step: _Step) -> None:
    step.made(1)


def _ordinals(step: _Step) -> None:
    step.sizes(step.columns("names", step.frame.codes), 0, "levels")


def _codes(step: _Step) -> None:
    step.sizes(step.columns("names", step.frame.codes), 0, "levels")
    whole(step.json.get("most"), "most", 1, _MOST_BUCKETS)


def _one_hot(step: _Step) -> None:
    total = step.sizes(step.columns("columns", step.frame.codes), 2, "sizes")
    places(step.arrays, "places", (total,), step.makes, -1)


def _counts(step: _Step) -> None:
    columns = step.columns("columns", step.frame.codes)
    step.made(len(columns))
    array(step.arrays, "table", "f", (step.sizes(columns, 2, "sizes"),))


def _hashed(step: _Step) -> None:
    columns = step.columns("columns", step.frame.codes)
    step.sizes(columns, 0, "levels")
    whole(step.json.get("buckets"), "buckets", 1, _MOST_BUCKETS)
    step.made(len(columns) * whole(step.json.get("times"), "times", 1, 1000))


def _target_means(step: _Step) -> None:
    columns = step.columns("columns", step.frame.codes)
    total = step.sizes(columns, 2, "sizes")
    table = array(step.arrays, "table", "f", (total, None))
    step.made(len(columns) * table.shape[1])


def _dates(step: _Step) -> None:
    columns = step.columns("columns", step.frame.numbers)
    chosen = places(step.arrays, "chosen", (None, 3), max(len(columns), len(PARTS)))
    inside = (chosen[:, 0] < len(columns)) & (chosen[:, 1] < len(PARTS)) & (chosen[:, 2] < 3)
    need(bool(inside.all()), "a part of a date is not there")
    pairs = places(step.arrays, "pairs", (None, 2), len(columns))
    step.made(len(chosen) + len(pairs))


def _texts(step: _Step) -> None:
    columns = step.columns("columns", {**step.frame.texts, **step.frame.spellings})
    whole(step.json.get("words"), "words", 0, 20)
    letters = items(step.json.get("letters"), "letters", int, 2)
    need(all(0 <= length <= 50 for length in letters), "letters")
    buckets = whole(step.json.get("buckets"), "buckets", 1, _MOST_BUCKETS)
    need(isinstance(step.json.get("counts"), bool), "counts")
    total = 5 * len(columns) if step.json["counts"] else 0
    for place in range(len(columns)):
        array(step.arrays, f"weight{place}", "f", (buckets,))
        total += array(step.arrays, f"loadings{place}", "f", (buckets, None)).shape[1]
    step.made(total)


def _pairs(step: _Step) -> None:
    columns = step.columns("columns", step.frame.numbers)
    chosen = places(step.arrays, "chosen", (step.makes, 3), max(len(columns), 5))
    inside = bool((chosen[:, 0] < 5).all() and (chosen[:, 1:] < len(columns)).all())
    need(inside, "a pair of columns is not there")


def _named_pairs(step: _Step, second: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [tuple(items(pair, "a pair of columns", str, 2)) for pair in items(step.json.get("pairs"), "pairs")]
    there = all(a in step.frame.codes and b in second for a, b in found)
    need(there, "a step reads a pair of columns that are no such columns")
    return found


def _group_means(step: _Step) -> None:
    pairs = _named_pairs(step, step.frame.numbers)
    step.made(2 * len(pairs))
    for place, (category, _) in enumerate(pairs):
        array(step.arrays, f"table{place}", "f", (len(step.frame.levels[category]) + 2, 2), DOUBLE)


def _crossed_means(step: _Step) -> None:
    total = 0
    for place, _ in enumerate(_named_pairs(step, step.frame.codes)):
        keys = array(step.arrays, f"keys{place}", "iu", (None,))
        need(len(keys) > 0, "two columns never came together")
        total += array(step.arrays, f"table{place}", "f", (len(keys), None)).shape[1]
    step.made(total)


def _scaled(step: _Step) -> None:
    how = text(step.json.get("how"), "how", ("robust", "quantile", "none"))
    array(step.arrays, "middle", "f", (step.width,))
    patterns = places(step.arrays, "patterns", (None,), step.width)
    step.made(step.width + len(patterns))
    if how == "robust":
        array(step.arrays, "factor", "f", (step.width,), 1e38)
    elif how == "quantile":
        knots = array(step.arrays, "knots", "f", (step.width, None))
        need(knots.shape[1] > 1, "there are no quantiles")


def _components(step: _Step) -> None:
    own = places(step.arrays, "own", (None,), step.width)
    stay = places(step.arrays, "stay", (None,), step.width)
    array(step.arrays, "center", "f", (len(own),))
    step.made(len(stay) + array(step.arrays, "axes", "f", (len(own), None), 1e38).shape[1])


def _selected(step: _Step) -> None:
    places(step.arrays, "stay", (step.makes,), step.width)


_CHECKS: dict[str, Callable[[_Step], None]] = {
    "numbers": _numbers,
    "nothing": _nothing,
    "ordinals": _ordinals,
    "codes": _codes,
    "one hot": _one_hot,
    "counts": _counts,
    "hashed": _hashed,
    "target means": _target_means,
    "dates": _dates,
    "texts": _texts,
    "pairs": _pairs,
    "group means": _group_means,
    "crossed means": _crossed_means,
    "scaled": _scaled,
    "components": _components,
    "selected": _selected,
}
