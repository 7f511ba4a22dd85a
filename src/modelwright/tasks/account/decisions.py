"""What a fit decided without being asked: why, what it bought, and what decides otherwise. Decides nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from modelwright.core.wording import counted
from modelwright.tasks.scoring.thresholds import MOST_PROBABLE
from modelwright.tasks.scoring.validation import SMALL

if TYPE_CHECKING:
    from modelwright.tasks.account.gains import Account
    from modelwright.tasks.ensemble.blend import Blend
    from modelwright.tasks.search.gathered import Gathered, Said

Decision = dict[str, str]
#: What a decision bought where nothing tells.
NOT_MEASURED = "not measured"
UNTRIED = f"{NOT_MEASURED}: it was not tried, or failed"


def decided(
    data: Gathered, said: Said, blend: Blend, members: int, account: Account, preset: str = "good"
) -> list[Decision]:
    """The decisions that every fit takes.

    Args:
        members: how many are deployed.
        account: what was measured on the way.
    """
    target, metric, split = data.target, data.metric, data.split
    shown = f"{metric.name} {blend.score:.5g} on rows that neither models nor weights had seen"
    asks = unmeasured("it says what is asked")
    why = "the usual one for the task" if said.metric is None else "asked for"
    found = [
        decision("task", target.task, target.why, "task=", asks),
        decision("metric", metric.name, why, "metric=", asks),
        decision("validation", split.said, _divided(data, said, preset), "folds=", account.validation()),
        *account.decisions(),
        decision(
            "ensemble", f"{members} of {len(blend.trials)} chosen members", shown, "models=['lightgbm'] for one kind",
            account.ensemble(),
        ),
        *account.left_out(),
    ]  # fmt: skip
    for column in data.schema.columns:
        if not column.used:
            why = str(column.details.get("why", column.kind))
            found.append(
                decision(
                    "column",
                    f"{column.name!r} left out: {column.kind}",
                    why,
                    f"kinds={{{column.name!r}: ...}}",
                    unmeasured("no candidate had it"),
                )
            )
    if blend.known_rows is not None:
        told = blend.known_rows
        scores = f"{data.metric.name} {told['after']:.4g} in place of {told['before']:.4g}"
        bought = f"{scores}, if rows come again as often as they do here"
        found.append(
            decision(
                "known rows",
                f"their answers count beside the ensemble, which counts for {told['strength']:g} rows",
                f"{told['rows']:.0%} of the rows are like another one in every column, and answers agree",
                "block=['known_rows']",
                bought,
            )
        )
    if blend.temperature != 1.0:
        why = "less log loss out of fold"
        found.append(decision("calibration", f"temperature {blend.temperature:.3f}", why, "", account.calibration()))
    if blend.cut != MOST_PROBABLE:
        why, undo = f"the best {metric.name} out of fold", "predict_proba leaves the decision to you"
        found.append(decision("threshold", _named(blend), why, undo, account.threshold()))
    return found


def _divided(data: Gathered, said: Said, preset: str) -> str:
    """Why rows are divided as they are."""
    split, rows = data.split, f"{data.frame.rows:,} rows"
    if said.divided is not None:
        return "the call that this one goes on from divided them so"
    if said.folds is None and said.seconds is not None:
        return f"{rows}, and the time there is"
    repeated = f"drawn {len(split.place)} times since there are fewer than {SMALL:,} rows" * (len(split.place) > 1)
    if said.folds is None:
        return ", ".join(filter(None, (rows, repeated)))
    fewer = f"as many as can judge of {rows}" if split.folds < said.folds else ""
    asked = f"preset={preset!r} has {said.folds}" if preset == "fast" else f"folds={said.folds} was asked for"
    return ", ".join(filter(None, (asked, fewer, repeated)))


def _named(blend: Blend) -> str:
    if not blend.cut.factors:
        return f"{blend.cut.threshold:.3f}"
    return f"rarer classes are named sooner: probabilities count {min(blend.cut.factors):.2g} to 1 times"


def on_all_rows(whole: int, members: int, rows: int, of_a_fold: int, seconds: float, why: str, undo: str) -> Decision:
    """The decision on what is deployed: models of all rows, or those that were judged.

    Args:
        whole, members: how many were fitted on all rows, and of how many.
        rows, of_a_fold: how many rows there are, and how many a model that was judged had in the mean.
        seconds: that those fits took together with the wait for them.
        why, undo: why none was, and what decides otherwise.
    """
    said = f"{whole} of {counted(members, 'member')} fitted again on all rows"
    if not whole:
        said = "the models of the folds, or of the holdout, are deployed as they were judged"
        return decision("last fits", said, why, undo, "no second is spent on fits nobody judged")
    bought = (
        f"{rows:,} rows in place of {of_a_fold:,}, {rows / max(1, of_a_fold):.2f} times as many, for {seconds:.2g} s; "
        "in score " + unmeasured("no row is left to judge by")
    )
    return decision("last fits", said, "more rows make better models", 'preset="best" keeps those of the folds', bought)


def cut_short(members: Mapping[str, int | None]) -> Decision:
    """That the clock ended the fits of members before they were ready.

    Args:
        members: their names, and how many rounds each is of.
    """
    named = [name if rounds is None else f"{name} after {counted(rounds, 'round')}" for name, rounds in members.items()]
    why = "the time that each had was up before more of them brought nothing"
    return decision("cut short", ", ".join(named), why, "seconds=", unmeasured("no longer fit was made"))


def leaves_out(name: str, found: str = "") -> Decision:
    """The decision to leave out a column that leaks.

    Args:
        found: what the check of it measured.
    """
    bought = (
        f"no score by what is not known later: {found}" if found else unmeasured("an earlier part of the fit did it")
    )
    return decision("column", f"{name!r} left out", "it near-certainly leaks", "drop_suspected=False", bought)


def tried(candidates: int, ended: str, bought: str) -> Decision:
    """How many candidates were tried, why no more of them were, and what the later ones brought."""
    return decision("candidates", f"{candidates} tried", ended or "the budget", "seconds= or trials=", bought)


def ends_early(by: str, candidates: int, why: str, spared: float | None = None) -> Decision:
    """The decision to end before the budget, by the argument that was the reason.

    Args:
        spared: seconds of the budget that were left; None where it is in trials.
    """
    undo = "min_gain=None uses all the time" if by == "min_gain" else "target_score="
    bought = unmeasured("the budget is in trials") if spared is None else f"{max(0.0, spared):.3g} s of the budget"
    return decision("early end", f"after {candidates} candidates", why, undo, bought)


def goes_on(metric: str, gain: float, spread: float) -> Decision:
    """What more time would have brought."""
    said = f"as many candidates again would gain about {gain:.2g} in {metric}"
    why = f"by the ensemble's and the candidates' records so far; the score's standard error is {spread:.2g}"
    return decision("more time", said, why, "seconds= or trials=", unmeasured("it is an estimate of what would come"))


def too_large(learner: str, needs: str, there: str) -> Decision:
    """The decision to leave out a learner whose candidates have no room."""
    return decision(
        "memory", f"{learner} left out", f"it takes about {needs}, a worker has {there}", "memory=", UNTRIED
    )


def began_without(learners: Sequence[str]) -> Decision:
    """The decision to go on without learners that an earlier part of the fit did not have."""
    said = f"{', '.join(learners)} left out"
    return decision("learner", said, "the fit began without, and goes on as it began", "another name=", UNTRIED)


def not_there(learner: str) -> Decision:
    """The decision to go on without a learner whose package is gone."""
    why = "its package is not installed any more; what was tried of it has no part in the ensemble"
    return decision("learner", f"{learner} left out", why, f"install {learner}", UNTRIED)


def not_on_all(names: Sequence[str], needs: str) -> Decision:
    """The decision to deploy members as they were fitted on a part of the rows."""
    said = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not fitted on all rows"
    bought = unmeasured("no row is left to judge such fits by")
    return decision("memory", said, f"that takes about {needs}", "memory=", bought)


def chosen_again(names: Sequence[str], metric: str, before: float, after: float) -> Decision:
    """The decision to choose members again, without some of which there is no model.

    Args:
        before, after: the score with them, and without.
    """
    why = "an earlier call removed their models, as they were no members, and there was no time or room for other ones"
    bought = f"the score is that of what is deployed: {metric} {after:.5g}, with them {before:.5g}"
    return decision("members", f"chosen again without {', '.join(names)}", why, "seconds=, memory=", bought)


def unconstrained(monotone: Mapping[str, int], able: Sequence[str], unable: Sequence[str]) -> Decision:
    """The decision to leave out learners that cannot hold to monotone constraints."""
    names = ", ".join(map(repr, monotone))
    said = f"{names} {'is' if len(monotone) == 1 else 'are'} held to by {', '.join(able)}"
    why = f"{', '.join(unable)} cannot, and left out" if unable else "all learners that take part can"
    bought = "predictions that move one way; what that costs in score is " + unmeasured("no candidate was without it")
    return decision("monotone", said, why, "monotone=", bought)


def untried(names: Sequence[str], candidates: int) -> Decision:
    """The decision to end before each learner that was named has had its turn."""
    said = f"{', '.join(names)} {'was' if len(names) == 1 else 'were'} not tried"
    why = f"the budget had ended after {counted(candidates, 'candidate')}"
    return decision("learners", said, why, "trials=, seconds=", unmeasured("no candidate was of it"))


def unmeasured(why: str) -> str:
    """What is said of a decision that nothing tells the worth of.

    >>> unmeasured("it was not tried")
    'not measured: it was not tried'
    """
    return f"{NOT_MEASURED}: {why}" if why else NOT_MEASURED


def decision(what: str, said: str, why: str, undo: str, bought: str = NOT_MEASURED) -> Decision:
    """What was decided of what, why, the argument that decides otherwise, and what it brought by what was measured."""
    return {"what": what, "decided": said, "why": why, "undo": undo, "bought": bought}
