"""Small studies made of real events, for the tests of the reports."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.report.view import StudyView

ACCURACY = (Objective("val_accuracy", "max"),)


def trial(
    number: int, config: dict[str, Any], values=(0.5,), *, state="complete", metrics=None, **more
) -> list[r.Event]:
    """The events of one trial that ran in one segment."""
    error = more.pop("error", None)
    fidelity = more.pop("fidelity", 1.0)
    made: list[r.Event] = [
        r.Proposed(number=number, config=config, fidelity=fidelity),
        r.Started(number=number),
        r.Configured(number=number, config=config),
    ]
    for step, report in enumerate(more.pop("reports", ()), 1):
        made.append(r.Reported(number=number, step=step, metrics=report))
    made.append(
        r.Finished(
            number=number, state=state, values=values, metrics=metrics or {}, fidelity=fidelity, error=error, **more
        )
    )
    return made


def view_of(*trials: list[r.Event], objectives=ACCURACY, at: float = 1.0, **more) -> StudyView:
    """A view of these trials, each of which took ``at`` seconds."""
    history = History(objectives)
    for i, events in enumerate(trials, 1):
        history.extend(events, at=i * at)
    return StudyView(name=more.pop("name", "lab"), history=history, **more)


def lab(count: int = 30, epochs: int = 10, seed: int = 0, **more) -> StudyView:
    """A study like one of a Keras model: curves, halving, failures, a diverging trial, conditional parameters."""
    rng = np.random.default_rng(seed)
    trials = []
    for number in range(count):
        config: dict[str, Any] = {
            "units": int(rng.integers(1, 17) * 32),
            "learning_rate": float(10 ** rng.uniform(-4, -1)),
            "activation": str(rng.choice(["relu", "tanh", "gelu"])),
            "use_dropout": bool(rng.random() < 0.5),
        }
        if config["use_dropout"]:
            config["dropout"] = round(float(rng.uniform(0, 0.5)), 3)
        trials.append(_lab_trial(number, config, epochs, rng))
    given = {"trials": count, "seconds": 600.0, "strategy": "auto", "seed": 0, "unit": "epoch"} | more
    return view_of(*trials, at=7.3, **given)


def _lab_trial(number: int, config: dict[str, Any], epochs: int, rng) -> list[r.Event]:
    if number % 17 == 11:
        trace = 'Traceback (most recent call last):\n  File "model.py", line 12, in build\nValueError: bad units'
        said = {"type": "ValueError", "message": "bad units", "where": "model.py:12"}
        error = r.Failure(kind="exception", traceback=trace, **said)
        return trial(number, config, None, state="failed", error=error, duration=0.4)
    if number % 19 == 13:
        error = r.Failure(kind="size", message="the model has 9,000,000 parameters, more than max_model_size")
        return trial(number, config, None, state="infeasible", error=error, duration=0.1)
    top = 0.9 - 0.02 * (np.log10(config["learning_rate"]) + 3) ** 2 - 8.0 / (config["units"] + 80)
    if config["activation"] == "tanh":
        top -= 0.01
    pruned = number % 3 == 2
    steps = max(1, epochs // 3) if pruned else epochs
    reports = []
    for step in range(1, steps + 1):
        value = float(top - 0.2 * np.exp(-step / 2.5) + rng.normal(0, 0.003))
        loss = float(1.2 - value + rng.normal(0, 0.01))
        reports.append({"val_accuracy": value, "val_loss": loss * (1e6 if number % 23 == 7 else 1)})
    best = max(range(steps), key=lambda i: reports[i]["val_accuracy"])
    return trial(
        number,
        config,
        (reports[best]["val_accuracy"],),
        state="pruned" if pruned else "complete",
        metrics=reports[best],
        reports=reports,
        step=best + 1,
        steps=steps,
        fidelity=steps / epochs,
        duration=float(2 + config["units"] / 100 * steps / 5),
        note={"params": config["units"] * 795 + 10},
    )


def halved(strategy: str = "auto", **more) -> StudyView:
    """A study as successive halving leaves it: the defaults in full, others set aside after 1 or 3 of 10 epochs.

    Trial 3 looked better after 3 epochs than trial 0, the best, after 10.
    """
    ends = [
        (10, 0.80, "complete"),
        (1, 0.60, "paused"),
        (10, 0.78, "complete"),
        (3, 0.82, "paused"),
        (1, 0.5, "paused"),
    ]
    trials = []
    for number, (steps, value, state) in enumerate(ends):
        reports = [{"val_accuracy": value - 0.01 * (steps - step)} for step in range(1, steps + 1)]
        made = trial(
            number, {"units": 32 * (number + 1)}, (value,), state=state, reports=reports, step=steps, steps=steps,
            fidelity=steps / 10, duration=float(steps),
        )  # fmt: skip
        made[0] = r.Proposed(number=number, config={"units": 32 * (number + 1)}, fidelity=0.1, note={"rung": 0})
        trials.append(made)
    return view_of(*trials, **({"strategy": strategy, "unit": "epoch", "trials": 5} | more))
