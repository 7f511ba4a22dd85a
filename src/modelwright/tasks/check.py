"""``check``: what is wrong with a table before a model is trained on it. Imports nothing before it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelwright.tasks.account.listing import Checks


def check(
    table: Any,
    target: str,
    *,
    test: Any = None,
    metric: Any = None,
    task: str | None = None,
    kinds: Mapping[str, str | Sequence[Any]] | None = None,
    seed: int = 0,
    seconds: float | None = None,
) -> Checks:
    """Look through a table as a fit would, and train no model of it.

    Nothing is changed. What looks like leakage is an alert, and names of columns are never looked at.

    Args:
        table: a CSV or Parquet file, a data frame of pandas or Polars, a dict of columns, a list of dicts.
        target: the column to be predicted.
        test: a second table, such as next month's rows: has it drifted away? The target need not be in it.
        metric, task, kinds: as in ``mw.fit``.
        seed: of samples and folds.
        seconds: for the checks of each table, on smaller samples if need be; default as long as it takes, which is a
            few seconds for 50,000 rows of 50 columns.

    Returns:
        The findings, alerts first and each a dict with ``status`` (alert, fixed, skipped, passed), ``name``,
        ``column``, ``count``, ``message``, ``done`` and ``undo``, as in ``model.checks``. They print as a table.

    Raises:
        ArgumentError: what is wrong with a table or an argument, with the column or the row.

    >>> import modelwright as mw
    >>> found = mw.check({"size": [2.5, 3.5, 3.1] * 20, "unit": ["m"] * 60, "sold": ["no", "yes"] * 30}, target="sold")
    >>> [(one["name"], one["column"]) for one in found if one["status"] == "fixed"]
    [('constants', 'unit'), ('duplicate rows', None)]
    """
    from modelwright.tasks.account.listing import Checks
    from modelwright.tasks.checks.examination import Examination
    from modelwright.tasks.request.arguments import checked_columns

    given = checked_columns({"target": target, "kinds": kinds, "seed": seed}, where="check")
    seen = Examination.of(table, given["target"], metric=metric, task=task, kinds=given["kinds"])
    return Checks(one.to_json() for one in seen.found(test, seed=given["seed"], seconds=seconds, where_second="test"))
