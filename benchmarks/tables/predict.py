"""How fast deployed models of tables predict: one row as a data frame and as a dict, 50,000 rows, and what they weigh.

    MODELWRIGHT_DATA=... python benchmarks/tables/predict.py [--seconds 15] [--models FOLDER] [TABLE ...]

Fits each open table once, unless FOLDER has its model already (its own, or that of `compare.py run modelwright`), and
measures in this process what `mw.load` reads back.
One row: the median (and 95th percentile) over 200 rows of the test table. Rows a second: 50,000 rows, the test table
over and over: the first such call of the process, and the best of three. All of it as pandas reads the files, and so
with the time for the cells.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import modelwright as mw

DATA = Path(os.environ.get("MODELWRIGHT_DATA", "data"))
ROWS = 50_000


def targets() -> dict[str, tuple[str, str]]:
    """Table -> (target, metric), from the list beside the data."""
    found = {}
    for line in (DATA / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 8 and re.fullmatch("`.*`", cells[4]) and (DATA / "tabular" / cells[1]).is_dir():
            found[cells[1]] = cells[4].strip("`"), cells[6]
    return found


def measured(model: Any, table: pd.DataFrame) -> dict[str, float]:
    answer = model.predict if model.task == "regression" else model.predict_proba
    few = _accepted(answer, [table.iloc[i : i + 1] for i in np.random.default_rng(0).integers(0, len(table), 260)])[
        :220
    ]
    dicts = [one.to_dict("records")[0] for one in few]
    frame, plain = _times(answer, few), _times(answer, dicts)
    many = table.iloc[np.arange(ROWS) % len(table)].reset_index(drop=True)
    first, *later = _times(answer, [many] * 3, first=0)
    return {
        "frame_ms": 1e3 * float(np.median(frame)),
        "frame_p95": 1e3 * float(np.quantile(frame, 0.95)),
        "dict_ms": 1e3 * float(np.median(plain)),
        "rows_s": ROWS / min(first, *later),
        "first_s": ROWS / first,
    }


def _accepted(answer: Any, rows: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Without single rows that the model refuses, as those of midwest_survey where a ZIP code is "No home"."""
    found = []
    for row in rows:
        with suppress(mw.ArgumentError):
            answer(row)
            found.append(row)
    return found


def _times(answer: Any, sources: list[Any], first: int = 20) -> list[float]:
    found = []
    for source in sources:
        began = time.perf_counter()
        answer(source)
        found.append(time.perf_counter() - began)
    return found[first:]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tables", nargs="*")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--models", default=None)
    asked = parser.parse_args()
    folder = Path(asked.models or tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    print(
        "| table | task | members | MB | row p50 ms (p95) | dict p50 ms | rows/s, first call | rows/s |",
        "|---" * 8 + "|",
        sep="\n",
    )
    rows = []
    for name, (target, metric) in targets().items():
        if asked.tables and name not in asked.tables:
            continue
        there = sorted(folder.glob(f"modelwright-*-{name}-*.mw"))
        path, place = there[0] if there else folder / f"{name}.mw", DATA / "tabular" / name
        if not path.exists():
            asks = {"metric": metric, "seconds": asked.seconds, "store": ":memory:", "verbose": 0}
            mw.fit(pd.read_csv(place / "train.csv.gz"), target, **asks).save(path)
        model = mw.load(path)
        found = measured(model, pd.read_csv(place / "test.csv.gz").drop(columns=[target]))
        text = any(one["kind"] == "text" for one in model.features())
        rows.append({**found, "text": text, "task": model.task, "mb": path.stat().st_size / 1e6})
        members = ", ".join(entry["name"].split()[0] for entry in model.plan["members"])
        task = model.task + (", text" if text else "")
        many = f"{found['first_s']:,.0f} | {found['rows_s']:,.0f}"
        row = f"{found['frame_ms']:.1f} ({found['frame_p95']:.1f}) | {found['dict_ms']:.1f} | {many}"
        print(f"| {name} | {task} | {members} | {rows[-1]['mb']:.1f} | {row} |", flush=True)
    plain = [row for row in rows if not row["text"] and row["task"] != "multiclass"]
    print(f"median over all tables: one row {np.median([row['frame_ms'] for row in rows]):.1f} ms, ", end="")
    print(f"{np.median([row['mb'] for row in rows]):.1f} MB; ", end="")
    first, later = (np.median([row[key] for row in plain]) for key in ("first_s", "rows_s"))
    print(f"binary and regression without text: {first:,.0f} rows/s at the first call, {later:,.0f} later")


if __name__ == "__main__":
    main()
