"""The frame of the doors: arguments that they do not know, and how they end when Ctrl-C comes twice.

Does not know what a search is.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted, did_you_mean, listed

P = ParamSpec("P")
T = TypeVar("T")

_METRICS = "metric metrics monitor score goal mode direction directions scoring scorer maximize minimize target"
_SPACES = "search_space hyperparameters params param_space param_grid param_distributions config hp"
_ROWS = "x y X Y data dataset train_data x_train y_train X_train"
_MODELS = "build hypermodel model function func fn estimator build_model"
#: What other tools call it -> what to write here, at either door.
_BOTH = {
    "trials=...": "max_trials n_trials num_trials n_iter max_evals num_samples evals iterations n_calls budget",
    "seconds=...": "timeout time_limit max_time time_budget time_budget_s max_seconds duration time_limit_s "
    "time_limit_secs time_limit_seconds",
    "workers=...": "n_jobs jobs num_workers parallel processes n_workers max_parallel_trials "
    "num_cpus n_cpus ncpus cpus num_cores n_cores cores",
    "epochs=...": "max_epochs num_epochs n_epochs nb_epoch epoch",
    "strategy=...": "tuner sampler algorithm algo method search_alg scheduler pruner oracle",
    "store=...": "storage directory path db database dir",
    "name=...": "study_name project_name project experiment_name study title",
    "seed=...": "random_state rng random_seed",
    "name=None for a new study, or another name=": "overwrite load_if_exists resume",
}
_TUNE = {
    "objective=... (such as 'val_accuracy', 'minimize' or mw.Maximize('f2'))": _METRICS,
    "space=...": _SPACES,
    "executions=...": "executions_per_trial repeats n_repeats replications",
    "steps=...": "max_steps n_steps max_t",
    "batch_size=...": "batch bs batchsize",
    "validation_split=...": "val_split test_size",
    "validation_data=(x_val, y_val)": "val_data validation x_val X_val eval_set",
    "max_model_size=...": "max_params",
    "callbacks=[keras.callbacks.EarlyStopping(...)]": "early_stopping patience callback",
    "by position: mw.tune(build, x, y, ...)": _ROWS,
    "first, by position: mw.tune(build, x, y, ...)": _MODELS,
}
_SEARCH = {
    "objective=... (such as 'val_accuracy', 'val_loss' or mw.Minimize('params'))": _METRICS,
    "recipe=nas.Recipe(batch=...)": "batch_size batch bs batchsize",
    "recipe=nas.Recipe(rate=...)": "lr rate learning_rate",
    "recipe=nas.Recipe(decay=...)": "weight_decay decay",
    "recipe=nas.Recipe(optimizer=...)": "optimizer",
    "recipe=nas.Recipe(smoothing=...)": "label_smoothing smoothing",
    "recipe=nas.Recipe(shift=..., mirror=..., erase=...)": "augment augmentation shift mirror flip erase",
    "validation=0.15, a share of the rows, or (x, y)": "validation_split val_split test_size validation_data val_data "
    "x_val X_val eval_set",
    "constraints=['params <= 200_000']": "max_model_size max_params max_parameters limits",
    "by position: mw.nas.search(space, x, y, ...)": _ROWS,
    "first, by position: mw.nas.search(space, x, y, ...)": f"{_MODELS} {_SPACES} architecture network",
}
_FIT = {
    "first, by position: mw.fit(table, target, ...)": "data df dataset dataframe frame train train_data training_data "
    "training_frame X x file csv",
    "second, by position: mw.fit(table, target, ...)": "y label labels label_column target_column target_column_name "
    "response outcome",
    "after the fit: model.leaderboard(table) or model.evaluate(table)": "test test_data testing_data test_frame "
    "leaderboard_frame",
    "metric=...": "eval_metric primary_metric sort_metric optimization_metric scoring scorer score objective loss goal",
    "task=...": "problem_type task_type ml_task",
    "preset=...": "presets quality",
    "seconds=... (minutes are 60 of them)": "minutes hours max_runtime_secs max_runtime time_left_for_this_task "
    "total_time_limit experiment_timeout_minutes timeout_minutes",
    "trials=..., candidates to try": "max_models max_iter max_candidates",
    "models=...": "model estimator estimators estimator_list learners algorithms allowed_models include include_algos "
    "included_model_types allowed_training_algorithms hyperparameters",
    "block=...": "exclude exclude_algos blocked blocked_models blocked_training_algorithms excluded_model_types",
    "without=...": "drop ignore drop_columns ignored_columns exclude_columns columns_to_drop id_column",
    "kinds=...": "types dtype dtypes column_types col_types feature_types feature_metadata cat_features "
    "categorical_features categorical_columns",
    "sample_weight=...": "weight weights weight_column weights_column weight_column_name",
    "class_weight=...": "class_weights balance_classes balanced",
    "groups=...": "group group_column split_groups",
    "time=...": "date time_column date_column timestamp timestamp_column",
    "folds=...": "cv n_splits nfolds n_folds num_folds num_bag_folds n_cross_validations",
    "monotone=...": "monotonic monotone_constraints monotonic_constraints monotonic_cst",
    "positive=...": "pos_label positive_class positive_label",
    "memory=...": "memory_limit mem_limit max_memory max_mem_size",
    "max_rows=...": "sample subsample max_samples nrows",
    "target_score=...": "experiment_exit_score stop_at target_metric",
    "min_gain=...": "early_stop early_stopping enable_early_stopping patience stopping_tolerance",
    "verbose=...": "verbosity quiet silent",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What others call the arguments of a door.

    Attributes:
        door: its name in messages.
        meant: another tool's word -> what to write here.
        otherwise: an argument of the door, and what to do with words that mean nothing here, where it is there.
    """

    door: str
    meant: Mapping[str, str]
    otherwise: tuple[str, str]


def _by_word(texts: Mapping[str, str]) -> dict[str, str]:
    return {word: text for text, words in {**_BOTH, **texts}.items() for word in words.split()}


#: Of ``tune``, of ``nas.search``, and of ``fit``.
MODELS = Words("tune", _by_word(_TUNE), ("fit", "What goes to the model's own fit goes into fit={...}."))
NETWORKS = Words(
    "nas.search", _by_word(_SEARCH), ("recipe", "How networks are trained goes into recipe=nas.Recipe(...).")
)
TABLES = Words("fit", _by_word(_FIT), ("metric", "help(mw.fit) tells what each of them is."))
#: Of ``Predictor.fit``, which goes on with a search: its table comes first, its target is settled.
CONTINUED = Words(
    "Predictor.fit",
    {
        word: text.replace("mw.fit(table, target, ...)", "model.fit(table, ...)")
        if text.startswith("first,")
        else "nowhere: the target is that of the search"
        if text.startswith("second,")
        else text
        for word, text in TABLES.meant.items()
    },
    ("metric", "help(model.fit) tells what each of them is."),
)


class UnknownArgumentError(ArgumentError, TypeError):
    """A keyword that a function does not take; a ``TypeError`` as well, as Python's own would be."""


def refuse_unknown(
    given: Iterable[str],
    known: Iterable[str],
    where: str,
    words: Words = MODELS,
    otherwise: str = "",
    beside: Sequence[str] = (),
) -> None:
    """Raise for names in ``given`` that are not ``known``, with what was probably meant.

    Args:
        words: of the door that was called.
        otherwise: what to do next where nothing is alike; what the words say when this is empty.
        beside: names that the function takes by position too, which may have been meant.

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
        meant = words.meant.get(name) or words.meant.get(name.lower())
        if meant is not None and meant.split("=")[0] in (*names, meant):
            hints.append(f"{name}= is written {meant}")
        else:
            hints.append(did_you_mean(name, [*names, *beside], 1))
    argument, said = words.otherwise
    raise UnknownArgumentError(
        f"there is no argument {', '.join(map(repr, unknown))}",
        where=where,
        allowed=", ".join(names),
        hint="; ".join(dict.fromkeys(h for h in hints if h)) or otherwise or (said if argument in names else ""),
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


def door(words: Words) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A function with clear words for keywords it lacks, and with a quiet interrupt."""

    def framed(function: Callable[P, T]) -> Callable[P, T]:
        quiet = quiet_interrupt(function)
        places = inspect.signature(function).parameters.values()
        known = [p.name for p in places if p.kind is p.KEYWORD_ONLY]
        named = [p.name for p in places if p.kind is p.POSITIONAL_OR_KEYWORD]
        most = math.inf if any(p.kind is p.VAR_POSITIONAL for p in places) else len(named)

        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> T:
            refuse_unknown([name for name in kwargs if name not in named], known, words.door, words, beside=named)
            if len(args) > most:
                raise UnknownArgumentError(
                    f"{counted(len(args), 'argument')} by position",
                    where=words.door,
                    allowed=f"{listed(named)} by position, all others by name",
                    hint=f"Write the name, such as seconds={args[len(named)]!r:.40}.",
                )
            return quiet(*args, **kwargs)

        return called

    return framed
