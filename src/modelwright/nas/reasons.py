"""Reasons in words: an explanation as text for people. Computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelwright.core.wording import counted

if TYPE_CHECKING:
    from modelwright.nas.explain import Explanation
    from modelwright.nas.predicted import Step

_LISTED = 8


def told(found: Explanation) -> str:
    """The whole explanation, a paragraph for each question."""
    parts = [_winner(found), _effects(found), _neighbours(found), _path(found), _fidelities(found), _left_out(found)]
    return "\n\n".join(part for part in [*parts, _course(found)] if part)


def _winner(found: Explanation) -> str:
    said = [f"Trial {found.winner} is the best: {found.objective} {_number(found.value)}."]
    if found.explained is None:
        said.append(found.lacking)
    else:
        doubt = "; take what follows as hints" if found.explained < 0.3 else ""
        of = "" if found.among == found.trials else f" of {found.among:,}"
        said.append(
            f"A model of {found.trials:,}{of} trials explains {max(found.explained, 0):.0%} of the variance in trials "
            f"left out{doubt}."
        )
    if found.noise is not None:
        source = f"(one standard deviation, from {found.noise_from})"
        said.append(f"A single value is uncertain by {_number(found.noise)} {source}.")
    if found.neighbours or found.path:
        said.append("Above 0 a change is for the better.")
    return " ".join(said)


def _effects(found: Explanation) -> str:
    if found.lacking:
        return ""
    limits = " and ".join(found.limits)
    where = f"between networks within {limits}" if limits and found.kept else "over the space"
    pairs = f", pairs of them another {found.both - found.main:.0%}" if found.pairs else ""
    head = f"What mattered: single decisions explain {found.main:.0%} of the predicted differences {where}{pairs}."
    if limits and found.kept:
        head += " Where a limit ties decisions to each other, each is credited with what they have in common."
    elif limits:
        head += f" That takes in networks that break a limit ({limits}), which this process cannot tell."
    if limits and not found.pairs:
        head += f" Of pairs {found.drawn:,} networks that were drawn tell too little."
    lines = [
        f"  {effect.share:>4.0%}  {effect.decisions[0]}" for effect in found.effects[:_LISTED] if effect.share >= 0.01
    ]
    pairs = [effect for effect in found.pairs[:_LISTED] if effect.share >= 0.01]
    lines += [f"  {effect.share:>4.0%}  {' with '.join(effect.decisions)}" for effect in pairs]
    return "\n".join([head, *lines])


def _neighbours(found: Explanation) -> str:
    if not found.neighbours:
        return ""
    count, noise = len(found.neighbours), found.noise or 0.0
    if found.lacking:
        tried = f"One edit away from it {counted(count, 'network')} {'was' if count == 1 else 'were'} tried:"
        return "\n".join([tried, *_steps(found.neighbours)])
    changes = [step.change for step in found.neighbours if step.change is not None]
    better, worse = sum(change > noise for change in changes), sum(change < -noise for change in changes)
    some = f" (of {found.edits:,} edits {found.looked:,} were looked at)" if found.looked < found.edits else ""
    head = (
        f"One edit away from it: {counted(count, 'network')}{some}, of which {better} are predicted to be better "
        f"by more than the noise, {worse} worse, and {count - better - worse} as good."
    )
    return "\n".join(
        [head, *_steps(found.neighbours[:5]), *(["  ..."] if count > 8 else []), *_steps(found.neighbours[5:][-3:])]
    )


def _path(found: Explanation) -> str:
    if not found.path:
        return "The winner is the default network."
    if found.lacking:
        return "\n".join(["From the default to the winner:", *_steps(found.path)])
    return "\n".join([f"From the default to the winner in {counted(len(found.path), 'edit')}:", *_steps(found.path)])


def _steps(steps: Sequence[Step]) -> list[str]:
    lines = []
    for step in steps:
        beside = f", {step.unequal}" if step.unequal else ""
        predicted = [] if step.change is None else [f"{_signed(step.change)} \u00b1 {step.spread:.2g}"]
        measured = [] if step.measured is None else [f"measured {_signed(step.measured)}{beside}"]
        worth = ", ".join([*predicted, *measured]) or "not measured"
        trial = "" if step.trial is None else f" (trial {step.trial})"
        said = (
            _short(step.decisions) if step.edit == step.decisions else f"{_short(step.decisions)}: {_short(step.edit)}"
        )
        lines.append(f"  {worth}{trial}: {said}")
    return lines


def _short(said: str, most: int = 110) -> str:
    """Cut behind a whole item."""
    if len(said) <= most:
        return said
    end = max(said.rfind("; ", 0, most), said.rfind(", ", 0, most))
    return f"{said[: end if end > 0 else most]} ..."


def _fidelities(found: Explanation) -> str:
    lines = []
    for pair in found.fidelities:
        over = f"; over all trials, by audits, Kendall's tau {pair.tau:.2f}" if pair.tau is not None else ""
        few = ", which says next to nothing" if pair.trials < 4 else ""
        over = f"over {counted(pair.trials, 'trial')}{few}{over}"
        low, high = (name or f"{at:.3g}" for at, name in zip((pair.low, pair.high), pair.named, strict=True))
        lines.append(f"  {low} and {high}: {pair.rho:.2f} {over}")
    head = "How alike fidelities rank trials (Spearman, of those that went on, which are the better ones):"
    return "\n".join([head, *lines]) if lines else ""


def _left_out(found: Explanation) -> str:
    if not found.edges:
        return "No number of the winner is at an end of its range."
    return f"At an end of its range, so that a wider space may hold a better network: {', '.join(found.edges)}."


def _course(found: Explanation) -> str:
    said = ""
    if found.diversity:
        first, last = found.diversity[0], found.diversity[-1]
        said = (
            f"Trials {first.first} to {first.last} were {first.distance:.2f} times as far apart as random ones, trials "
            f"{last.first} to {last.last} {last.distance:.2f} times. "
        )
    return f"{said}Its trials took {found.seconds:,.0f} {found.unit}."


def _signed(value: float) -> str:
    return f"{value:+.3g}"


def _number(value: float) -> str:
    return f"{value:.4g}"
