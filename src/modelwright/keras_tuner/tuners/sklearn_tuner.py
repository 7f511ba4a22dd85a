"""Tuning scikit-learn estimators with cross-validation."""

from __future__ import annotations

import inspect
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.optional import optional
from modelwright.keras_tuner.engine.base_tuner import BaseTuner
from modelwright.keras_tuner.engine.stateful import make_folder
from modelwright.training.checkpoint import replace_file


class SklearnTuner(BaseTuner):
    """Tunes scikit-learn estimators and pipelines; the objective is ``Objective("score", "max")``.

    Args:
        oracle: chooses what to try; not one that counts epochs, such as Hyperband's.
        hypermodel: a ``HyperModel`` or a function ``build(hp)`` that returns an estimator.
        scoring: a scorer ``(estimator, X, y)``; the estimator's own ``score`` by default.
        metrics: functions ``(y, predicted)`` that are recorded as well.
        cv: a splitter; five shuffled folds by default.
        **kwargs: see ``BaseTuner``.
    """

    def __init__(
        self, oracle: Any, hypermodel: Any, scoring: Any = None, metrics: Any = None, cv: Any = None, **kwargs: Any
    ):
        super().__init__(oracle=oracle, hypermodel=hypermodel, **kwargs)
        selection = optional("sklearn.model_selection", extra="sklearn", purpose="SklearnTuner")
        self.scoring = scoring
        self.metrics = list(metrics) if isinstance(metrics, (list, tuple)) else [metrics] if metrics else []
        self.cv = cv or selection.KFold(5, shuffle=True, random_state=1)

    def search(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, **kwargs: Any) -> None:
        """Run trials until the oracle stops.

        Args:
            X, y: the data, numpy arrays or pandas frames and series.
            sample_weight: one weight for each row, given to ``fit`` where it takes one, and to the scores.
            groups: for splitters that split by groups.
            **kwargs: ``workers=2`` runs trials in so many processes.
        """
        super().search(X, y, sample_weight=sample_weight, groups=groups, **kwargs)

    def run_trial(self, trial: Any, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> dict[str, Any]:
        """Score a configuration by cross-validation; keeps the estimator of the last fold."""
        assert self.hypermodel is not None
        gathered: dict[str, list[float]] = {}
        model: Any = None
        for train, test in self.cv.split(X, y, *([groups] if groups is not None else [])):
            model = self.hypermodel.build(trial.hyperparameters)
            weight = None if sample_weight is None else np.asarray(sample_weight)
            fit_kwargs = {}
            if weight is not None and "sample_weight" in inspect.signature(model.fit).parameters:
                fit_kwargs["sample_weight"] = weight[train]
            model.fit(split_data(X, train), split_data(y, train), **fit_kwargs)
            held_out = None if weight is None else weight[test]
            for name, value in self._scores(model, split_data(X, test), split_data(y, test), held_out).items():
                gathered.setdefault(name, []).append(value)
        self.save_model(trial.trial_id, model)
        return {name: float(np.mean(values)) for name, values in gathered.items()}

    def _scores(self, model: Any, x: Any, y: Any, weight: Any) -> dict[str, float]:
        weights = {} if weight is None else {"sample_weight": weight}
        if self.scoring is not None:
            found = {"score": self.scoring(model, x, y, **weights)}
        elif "sample_weight" in inspect.signature(model.score).parameters:
            found = {"score": model.score(x, y, **weights)}
        else:
            found = {"score": model.score(x, y)}
        if self.metrics:
            predicted = model.predict(x)
            found.update({metric.__name__: metric(y, predicted, **weights) for metric in self.metrics})
        return found

    def save_model(self, trial_id: str, model: Any, step: int = 0) -> None:
        """Pickle the estimator of a trial."""
        path = os.path.join(make_folder(self.get_trial_dir(trial_id)), "model.pickle")
        replace_file(Path(path), pickle.dumps(model))

    def load_model(self, trial: Any) -> Any:
        """Unpickle the estimator of a trial; only from a project that is your own."""
        with open(os.path.join(self.get_trial_dir(trial.trial_id), "model.pickle"), "rb") as file:
            return pickle.load(file)


def split_data(data: Any, indices: Any) -> Any:
    """The rows ``indices`` of an array or a pandas object.

    Raises:
        TypeError: it is neither.
    """
    if hasattr(data, "iloc"):
        return data.iloc[indices]
    if isinstance(data, np.ndarray) or hasattr(data, "tocsr"):
        return data[indices]
    raise TypeError(f"Expected the data to be numpy arrays or pandas objects, got {type(data)}")
