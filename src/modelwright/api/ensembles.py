"""Ensembles: the best few networks of a search as one model, whose output is a mean of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.api.keeping import artifacts_of
from modelwright.api.measuring import in_doubt, measure
from modelwright.api.stems import stem_of, whole
from modelwright.core.errors import ArgumentError, StudyError
from modelwright.core.history import Row, has_value
from modelwright.core.wording import counted, warn_caller

if TYPE_CHECKING:
    from modelwright.api.study import Study
    from modelwright.nas.task import Kind

#: Measures that are those of the members together: they are computed one after another.
_ADDED = frozenset({"params", "trainable", "macs", "operations", "size_mb"})
#: Members are added, some of them again, until so many are chosen.
_ROUNDS = 12
#: Fidelity of a confirmation, the first that is of all rows at full size.
_FULL_SIZE = 0.3 - 1e-9


def ensemble(study: Study, k: int = 3) -> Any:
    """The best ``k`` networks of an architecture search as one plain ``keras.Model``.

    Where the data of the search are at hand, how much each counts is chosen on the rows that were kept back, by adding
    members one at a time as long as that helps (Caruana et al., "Ensemble Selection from Libraries of Models", ICML
    2004); otherwise all count alike. The score that comes of it was selected, so it is a little too good.

    Members are networks whose models are still there: one that is trained anew has seen the rows that were kept back.
    Where models of the best ``k`` were removed, others take their place, and a warning says how many. Networks that
    were judged in the race of a plan alone are none: where that leaves fewer than ``k``, a warning says so too.

    The constraints of the search hold for each member: those whose latency has a price alone are measured first, or
    left out where this process does not know the space. Where all together break one on what adds up (parameters,
    operations, size), a warning says so: it is for you to say whether the limit was meant for the whole.

    Args:
        k: networks at most, from 2.

    Raises:
        ArgumentError: ``k`` is no such number.
        StudyError: the study is no architecture search, has fewer than two networks that were trained at full size, or
            fewer than two of their models are still there.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 2:
        raise ArgumentError(f"k={k!r:.60}", where="ensemble", allowed="2, 3, 4, ...")
    if study._record.definition.get("kind") != "nas":
        raise StudyError("only networks of nas.search are combined", where=f"study {study.name!r}")
    from modelwright.api.models import left_by

    there = artifacts_of(study._store, study._record).holds
    measure(study, lambda: [row for row in _able(study) if there(row.artifacts["model"])][:k])
    able = _able(study)
    full = [row for row in able if not in_doubt(study, row)]
    if len(full) < 2:
        doubt = len(able) - len(full)
        raise StudyError(
            f"{len(full)} of its networks was trained on all rows at full size"
            + (f", {counted(doubt, 'other')} aside whose latency has a price alone" if doubt else ""),
            where=f"study {study.name!r}",
            hint="study.resume(space, x, y, ...) measures it, even where the budget is used up."
            if doubt
            else "Give the search more time, or use study.best_model().",
        )
    full = _held(study, full, k)
    from modelwright.nas.keras_settings import in_32_bits
    from modelwright.nas.stem import network_of

    models, stem = [left_by(study, row) for row in full], stem_of(study)
    if stem is not None:  # one is enough for all of them
        models = [network_of(model) for model in models]
    estimation: Any = study._settings.estimation if study._settings is not None else None
    weights = np.full(len(models), 1 / len(models))
    if estimation is not None:
        data = estimation.job.data
        rows_kept = np.sort(data.kept)
        x = [part[rows_kept] for part in data.x]
        outs = [np.asarray(m.predict(x if len(x) > 1 else x[0], verbose=0)) for m in models]
        weights = _weights(outs, data.targets(rows_kept), data.task)
    _say_what_is_broken(study, [row for row, weight in zip(full, weights, strict=True) if weight > 0])
    with in_32_bits():
        return whole(study, _joined(models, weights, study._record.definition.get("task", "multiclass")))


def _able(study: Study) -> list[Row]:
    """The networks that were trained at full size and break no limit by what is known, the best first.

    One that is trained on counts with what it was worth when it last rested, and the model of then, as in ``best``.
    """
    history = study._machine.history
    rows = [row for row in history.rows if "model" in row.artifacts and has_value(row) and row.valued >= _FULL_SIZE]
    rows = [row for row in rows if history.measured(row).broken is None]
    score = study.objectives[0].score
    return sorted(rows, key=lambda row: -score(row.values[0] if row.values else 0.0))


def _held(study: Study, rows: Sequence[Row], k: int) -> list[Row]:
    """The best ``k`` of ``rows`` (the best first) whose models are there; says what others are not among them.

    Args:
        rows: the networks that were trained at full size and may be members.
    """
    artifacts = artifacts_of(study._store, study._record)
    there = {row.number for row in rows if artifacts.holds(row.artifacts["model"])}
    found = [row for row in rows if row.number in there][:k]
    if len(found) < 2:
        raise StudyError(
            f"{counted(len(found), 'model')} of its {len(rows)} networks that were trained at full size is still there",
            where=f"study {study.name!r}",
            hint="Those of the best few trials are kept as far as keep_bytes= allows. study.best_model() is one.",
        )
    gone = sum(row.number not in there for row in rows[:k])
    if gone:
        warn_caller(
            f"{gone} of the best {min(k, len(rows))} networks {'is' if gone == 1 else 'are'} left out of the ensemble, "
            f"which has {len(found)}: their models were removed, and trained anew they would have seen the rows that "
            "were kept back. A search keeps those of its best few trials, as far as keep_bytes= allows."
        )
    others = sum(has_value(row) and row.valued < _FULL_SIZE for row in study._machine.history.rows)
    if len(rows) < k and others > 0:
        warn_caller(
            f"the ensemble has {counted(len(found), 'network')} in place of {k}: {counted(others, 'other')} of the "
            f"search {'has' if others == 1 else 'have'} no value at full size on all rows. More seconds, or plan=None, "
            "train more networks so far."
        )
    return found


def _say_what_is_broken(study: Study, members: Sequence[Row]) -> None:
    """Warn where the members together break a limit that each of them keeps."""
    names = {name for row in members for name in row.metrics if name in _ADDED or name.startswith("latency_ms@")}
    whole = {name: sum(row.metrics.get(name, 0.0) for row in members) for name in names}
    over = [limit for limit in study._machine.history.limits if limit.broken(limit.excess(whole))]
    if over:
        said = "; ".join(limit.said(whole) for limit in over)
        warn_caller(f"each of the {len(members)} members keeps within the constraints, all together do not: {said}")


def _weights(outs: Sequence[np.ndarray], truth: np.ndarray, task: Any) -> np.ndarray:
    """How often each was chosen when one was added at a time, each time the one that helps most."""
    truth = truth * task.spread + task.center if task.kind == "regression" else truth

    def loss(out: np.ndarray) -> float:
        if task.kind == "regression":
            return float((((out - truth) / task.spread) ** 2).mean())
        out = np.clip(out, 1e-7, 1 - 1e-7)
        if task.kind in ("binary", "multilabel"):
            return float(-(truth * np.log(out) + (1 - truth) * np.log(1 - out)).mean())
        return float(-(truth * np.log(out)).sum(axis=1).mean())

    counts, total = np.zeros(len(outs)), np.zeros_like(outs[0], dtype=float)
    best = np.inf
    for round_ in range(1, _ROUNDS + 1):
        losses = [loss((total + out) / round_) for out in outs]
        chosen = int(np.argmin(losses))
        if losses[chosen] > best + 1e-9:
            break
        best = losses[chosen]
        total, counts[chosen] = total + outs[chosen], counts[chosen] + 1
    return counts / counts.sum()


def _joined(models: Sequence[Any], weights: np.ndarray, task: Kind) -> Any:
    import keras

    from modelwright.nas.deploy import Names, compiled, takes_one_hot

    used = [(model, float(weight)) for model, weight in zip(models, weights, strict=True) if weight > 0]
    first = used[0][0]
    starts: list[Any] = [keras.Input(i.shape[1:], name=i.name) for i in first.inputs]
    names = Names(start.name for start in starts)
    parts = []
    for place, (model, weight) in enumerate(used):
        model.name = names.free(f"member_{place}")
        out = model(starts if len(starts) > 1 else starts[0])
        parts.append(keras.layers.Rescaling(weight, name=names.free(f"share_{place}"))(out))
    out = keras.layers.Add(name=names.free("mean"))(parts) if len(parts) > 1 else parts[0]
    made = keras.Model(starts if len(starts) > 1 else starts[0], out)
    return compiled(made, task, one_hot=takes_one_hot(first))
