"""The frame of the first door: arguments that ``tune`` does not know, and how it ends when Ctrl-C comes twice.

Does not know what a search is.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import did_you_mean

P = ParamSpec("P")
T = TypeVar("T")

#: What other tools call it -> what to write here.
_ELSEWHERE = {
    "trials=...": "max_trials n_trials num_trials n_iter max_evals num_samples evals iterations n_calls budget",
    "seconds=...": "timeout time_limit max_time time_budget time_budget_s max_seconds duration",
    "workers=...": "n_jobs jobs num_workers parallel processes n_workers max_parallel_trials",
    "epochs=...": "max_epochs num_epochs n_epochs nb_epoch epoch",
    "objective=... (such as 'val_accuracy', 'minimize' or mw.Maximize('f2'))": "metric metrics monitor score goal mode "
    "direction directions scoring scorer maximize minimize target",
    "strategy=...": "tuner sampler algorithm algo method search_alg scheduler pruner oracle",
    "space=...": "search_space hyperparameters params param_space param_grid param_distributions config hp",
    "executions=...": "executions_per_trial repeats n_repeats replications",
    "store=...": "storage directory path db database dir",
    "name=...": "study_name project_name project experiment_name study title",
    "seed=...": "random_state rng random_seed",
    "steps=...": "max_steps n_steps max_t",
    "batch_size=...": "batch bs batchsize",
    "validation_split=...": "val_split test_size",
    "validation_data=(x_val, y_val)": "val_data validation x_val X_val eval_set",
    "max_model_size=...": "max_params",
    "callbacks=[keras.callbacks.EarlyStopping(...)]": "early_stopping patience callback",
    "by position: mw.tune(build, x, y, ...)": "x y X Y data dataset train_data x_train y_train X_train",
    "first, by position: mw.tune(build, x, y, ...)": "build hypermodel model function func fn estimator build_model",
    "name=None for a new study, or another name=": "overwrite load_if_exists resume",
}
_WORDS = {word: text for text, words in _ELSEWHERE.items() for word in words.split()}


class UnknownArgumentError(ArgumentError, TypeError):
    """A keyword that a function does not take; a ``TypeError`` as well, as Python's own would be."""


def refuse_unknown(given: Iterable[str], known: Iterable[str], where: str) -> None:
    """Raise for names in ``given`` that are not ``known``, with what was probably meant.

    Raises:
        UnknownArgumentError: a name is not known.
    """
    names = list(known)
    unknown = [name for name in given if name not in names]
    if not unknown:
        return
    hints = []
    for name in unknown:
        # What a word means elsewhere says more than how it is spelt, but names that exist come first.
        meant = _WORDS.get(name) or _WORDS.get(name.lower())
        if meant is not None and meant.split("=")[0] in (*names, meant):
            hints.append(f"{name}= is written {meant}")
        else:
            hints.append(did_you_mean(name, names, 1))
    raise UnknownArgumentError(
        f"there is no argument {', '.join(map(repr, unknown))}",
        where=where,
        allowed=", ".join(names),
        hint="; ".join(dict.fromkeys(h for h in hints if h)) or "What goes to the model's own fit goes into fit={...}.",
    )


def quiet_interrupt(function: Callable[P, T]) -> Callable[P, T]:
    """``function`` with a KeyboardInterrupt that has lost the frames below, which say nothing to whoever stopped it.

    The message that the exception carries, such as how to go on, stays.
    """

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except KeyboardInterrupt as error:
            told = error.args
        raise KeyboardInterrupt(*told)

    return called


def door(function: Callable[P, T]) -> Callable[P, T]:
    """``function`` with clear words for keywords it lacks, and with a quiet interrupt."""
    quiet = quiet_interrupt(function)
    places = inspect.signature(function).parameters.values()
    known = [p.name for p in places if p.kind is p.KEYWORD_ONLY]
    named = [p.name for p in places if p.kind is p.POSITIONAL_OR_KEYWORD]

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        refuse_unknown([name for name in kwargs if name not in named], known, function.__name__)
        return quiet(*args, **kwargs)

    return called
