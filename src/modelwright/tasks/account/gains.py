"""What the decisions of a fit bought: score against score of what was judged anyway. Fits and predicts nothing.

Two candidates are compared by the folds that judged both. What was never judged both ways is not measured, and that is
what is said of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.core.history import Row
from modelwright.core.records import Config
from modelwright.core.wording import counted
from modelwright.tasks.account.decisions import Decision, decision, unmeasured
from modelwright.tasks.ensemble.blend import Blend
from modelwright.tasks.learners.constant import CONSTANT
from modelwright.tasks.search.compared import Compared, better
from modelwright.tasks.search.estimation import MODEL, Job

#: What candidates are proposed by that nobody tuned.
_UNTUNED = ("first model", "default", "portfolio")
#: Decisions of learners that are about features, and comparisons of them that are told at most.
FEATURES = (
    "pairs", "groups", "crosses", "components", "select", "smoothing", "scale", "one_hot", "codes_below", "text",
    "embedding",
)  # fmt: skip
_TOLD = 3


class Account:
    """See the module.

    Args:
        rows: all candidates.
        job: what they were judged by.
        blend: what is deployed of them.
        usual: learner -> its default configuration.
    """

    def __init__(self, rows: Sequence[Row], job: Job, blend: Blend, usual: Mapping[str, Config]):
        self.blend, self.metric = blend, job.metric.name
        self._compared, self._usual = Compared(rows, job), usual
        self._rows, self._sign = self._compared.rows, self._compared.sign

    def decisions(self) -> list[Decision]:
        """Which learner, which features, and how far they were tuned."""
        return [self._learners(), self._features(), self._tuning()] if self._rows else []

    def _best(self) -> Row:
        """The best of what is deployed; of all candidates where none of them is."""
        return next((row for row in self._rows if row.number in self.blend.trials), self._rows[0])

    # --- what was decided ------------------------------------------------------------------------------

    def _learners(self) -> Decision:
        """The kinds of models that are deployed, against all that could have been."""
        numbers = {row.number: row for row in self._rows}
        shares: dict[str, float] = {}
        for number, weight in zip(self.blend.trials, self.blend.weights, strict=True):
            name = _learner(numbers[number]) if number in numbers else CONSTANT
            shares[name] = shares.get(name, 0.0) + weight
        best = self._best()
        said = [f"{name} {share:.0%}" for name, share in sorted(shares.items(), key=lambda one: -one[1])]
        told = []
        for row, what in (
            (
                self._compared.other(best, lambda row: _learner(row) not in (_learner(best), CONSTANT)),
                "the best of {}",
            ),
            (self._compared.other(best, lambda row: row.note.get("by") == "first model"), "the first model"),
            (self._compared.other(best, lambda row: _learner(row) == CONSTANT), "the constant"),
        ):
            if row is not None and row is not best:
                told.append(f"{self._compared.said(best, row)} than {what.format(_learner(row))}")
        if not any("constant" in one for one in told):
            told += [self._than_always()] if "constant" in self.blend.judged else []
        bought = f"{_learner(best)} {best.number}: {'; '.join(told)}" if told else unmeasured("nothing else was tried")
        why = "together they did best on rows that they were not fitted on"
        return decision("learners", f"{', '.join(said)} of the weight", why, "models=, block=, preset=", bought)

    def _than_always(self) -> str:
        gain = self._sign * (self.blend.score - float(self.blend.judged["constant"]))
        return f"with all members {better(self.metric, gain)} than always the same prediction"

    def _features(self) -> Decision:
        """What is made of the columns, by pairs of candidates that differ in nothing else."""
        best = self._best()
        own, _ = self._changed(best)
        listed = ", ".join(f"{key}={value}" for key, value in own)
        which = "member" if best.number in self.blend.trials else "candidate"
        said = f"{_learner(best)} {best.number}, the best {which}, has {listed or 'the usual ones of its kind'}"
        told = [f"{what}: {self._compared.said(one, other)} than without" for what, one, other in self._pairs()[:_TOLD]]
        bought = "; ".join(told) or unmeasured("no two candidates differ in their features alone")
        return decision("features", said, "it scored best", "preset=", bought)

    def _pairs(self) -> list[tuple[str, Row, Row]]:
        """Candidates and those with the usual features, all else alike; of each change the one that gains most."""
        usual = {(_learner(row), rest): row for row in self._rows for own, rest in [self._changed(row)] if not own}
        found: dict[tuple[str, ...], tuple[str, Row, Row]] = {}
        for row in self._rows:
            own, rest = self._changed(row)
            other = usual.get((_learner(row), rest))
            if not own or other is None or not self._compared.gains(row, other):
                continue
            key = (_learner(row), *(name for name, _ in own))
            if key not in found or self._compared.gain(row, other) > self._compared.gain(*found[key][1:]):
                what = ", ".join(f"{name}={value}" for name, value in own)
                found[key] = f"{_learner(row)} with {what}", row, other
        return sorted(found.values(), key=lambda one: -self._compared.gain(*one[1:]))

    def _changed(self, row: Row) -> tuple[tuple[tuple[str, Any], ...], tuple[tuple[str, Any], ...]]:
        """In what a candidate differs from its learner's default: in its features, and besides."""
        prefix, usual = f"{_learner(row)}/", self._usual.get(_learner(row), {})
        found = [
            (key.removeprefix(prefix), value) for key, value in sorted(row.config.items()) if usual.get(key) != value
        ]
        own = tuple(one for one in found if one[0] in FEATURES)
        return own, tuple(one for one in found if one not in own)

    def _tuning(self) -> Decision:
        tuned = [row for row in self._rows if row.note.get("by") not in _UNTUNED]
        untuned = [row for row in self._rows if row.note.get("by") in _UNTUNED]
        if not tuned:
            why = "the portfolio is where a fit begins"
            return decision("tuning", "none", why, "seconds= or trials=", unmeasured("only the portfolio was judged"))
        best = tuned[0]
        said = (
            f"{counted(len(tuned), 'candidate')} by what had done well, the best of them {_learner(best)} {best.number}"
        )
        told, usual = (
            [],
            next((row for row in self._rows if _learner(row) == _learner(best) and self._is_usual(row)), None),
        )
        if usual is not None and self._compared.gains(best, usual):
            told.append(f"{self._compared.said(best, usual)} than {_learner(usual)} as it begins")
        nearest = self._compared.other(best, lambda row: row in untuned)
        if nearest is not None and nearest is not usual:
            told.append(f"{self._compared.said(best, nearest)} than the best of the portfolio, {_learner(nearest)}")
        chosen = f" (chosen among {len(tuned)}, and a little too good by that)" if len(tuned) > 1 and told else ""
        bought = "; ".join(told) + chosen if told else unmeasured("no fold judged both")
        return decision("tuning", said, "there was a budget left after the portfolio", "seconds= or trials=", bought)

    def _is_usual(self, row: Row) -> bool:
        return dict(row.config) == dict(self._usual.get(_learner(row), {}))

    # --- numbers for other decisions -------------------------------------------------------------------

    def ensemble(self) -> str:
        """The ensemble against its best candidate alone."""
        single = self.blend.judged.get("single")
        if len(self.blend.trials) < 2:
            return "nothing: the best candidate is deployed alone"
        if single is None or not math.isfinite(self.blend.score):
            return unmeasured("")
        gain = self._sign * (self.blend.score - float(single))
        noise = self.blend.spread
        lost = ", which is no more than noise" if math.isfinite(noise) and abs(gain) <= noise else ""
        alone = f"the best candidate alone ({float(single):.5g}, chosen by that score)"
        return f"{better(self.metric, gain)} than {alone}{lost}; the standard error is {noise:.2g}"

    def left_out(self) -> list[Decision]:
        """Members that took long for what they brought."""
        told = self.blend.left_out
        if told is None:
            return []
        learners = {row.number: _learner(row) for row in self._rows}
        names = [f"{learners[number]} {number}" for number in told["trials"] if number in learners]
        return [
            decision(
                "speed",
                f"{' and '.join(names)} left out of the ensemble",
                f"a row among many was foreseen to take {told['before']:.0f} us of a core with "
                f"{'it' if len(names) == 1 else 'them'}, and {told['after']:.0f} without",
                "preset='best'",
                f"{better(self.metric, -told['lost'])} without, on the rows that chose the weights",
            )
        ]

    def validation(self) -> str:
        """How sure the score is."""
        if not math.isfinite(self.blend.spread) or not self.blend.rows:
            return unmeasured("too few rows were judged for a standard error")
        by = f" of {counted(self.blend.units, 'fold')}" if self.blend.units > 1 else ""
        return f"a standard error of {self.blend.spread:.2g} for {self.metric}, by {self.blend.rows:,} judged rows{by}"

    def calibration(self) -> str:
        """The log loss before and after the temperature."""
        before, after = self.blend.judged.get("log_loss") or (None, None)
        if before is None or after is None:
            return unmeasured("")
        return f"log loss {before:.5g} before, {after:.5g} after, on the rows that chose it"

    def threshold(self) -> str:
        """The metric before and after."""
        half, cut = self.blend.judged.get("thresholds") or (None, None)
        if half is None or cut is None:
            return unmeasured("")
        usual, so = ("for the most probable class", "so") if self.blend.cut.factors else ("at 0.5", "at this one")
        return f"{self.metric} {half:.5g} {usual}, {cut:.5g} {so}, on the rows that chose it"


def _learner(row: Row) -> str:
    return str(row.config[MODEL])
