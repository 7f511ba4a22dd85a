"""Plans have phases whose values do not compare: every report says of which one a value is."""

from __future__ import annotations

import io

import pytest
from report_studies import view_of

from modelwright.core import records as r
from modelwright.core.clock import ManualClock
from modelwright.core.history import History
from modelwright.nas.ladder import ladder
from modelwright.report import summary
from modelwright.report.fidelity import at_step, explanation
from modelwright.report.html import render, repr_html
from modelwright.report.panel import panel
from modelwright.report.stages import stages_of

STAGES = stages_of(ladder(50_000, 28).stages())
SMALL = "race 1 of 3 (images at 1/2)"


def segment(number: int, fidelity: float, value: float, *, first: bool, state: str = "paused", **note) -> list[r.Event]:
    step = round(1000 * fidelity)
    begun: list[r.Event] = [
        r.Proposed(number=number, config={"width": number}, fidelity=fidelity)
        if first
        else r.Continued(number=number, fidelity=fidelity)
    ]
    return [
        *begun,
        r.Started(number=number, segment=0 if first else 1),
        r.Reported(number=number, step=step, metrics={"val_accuracy": value}, fidelity=fidelity),
        r.Finished(
            number=number, state=state, values=(value,), fidelity=fidelity, step=step, steps=step, note=note,
            metrics={"val_accuracy": value},
        ),
    ]  # fmt: skip


def planned(**more):
    """The race saw small images; trial 0 was confirmed and finished, with values that are lower at first."""
    return view_of(
        segment(0, 0.02, 0.70, first=True),
        segment(1, 0.02, 0.74, first=True),
        segment(0, 0.3, 0.41, first=False),
        segment(0, 1.0, 0.41, first=False, state="complete"),
        strategy="plan",
        stages=STAGES,
        **more,
    )


def lines_of(full) -> list[str]:
    out, history = io.StringIO(), History(full.objectives)
    shown = panel(2, stream=out, clock=ManualClock())
    view = view_of(stages=full.stages)
    for event in full.history:
        history.extend([event])
        shown.events([event], type(view)(name="lab", history=history, stages=full.stages))
    return [line for line in out.getvalue().splitlines() if "paused" in line or "complete" in line]


def test_a_line_says_of_which_phase_a_value_is_and_whether_it_beat_another():
    first, second, confirmed, finished = lines_of(planned())
    assert f"trial 0 paused after {SMALL}: val_accuracy=0.7 (new best)" in first
    assert f"trial 1 paused after {SMALL}: val_accuracy=0.74 (new best)" in second
    assert "trial 0 paused after confirmation: val_accuracy=0.41 (the first trained this far)" in confirmed
    assert "trial 0 complete: val_accuracy=0.41, " in finished  # no better for having been trained on
    assert not any("steps" in line or "step " in line for line in (first, second, confirmed, finished))


def test_networks_are_told_apart_by_what_differs_from_the_default():
    same = {f"layer{i}": "conv" for i in range(40)}
    full = view_of(
        [r.Proposed(number=0, config=same, note={"by": "default"}), r.Started(number=0), ended(0, 174850)],
        [r.Proposed(number=1, config=same | {"layer39": "pool"}), r.Started(number=1), ended(1, 43594)],
        by_default=True,
    )
    for made in (summary.leaderboard, summary.final_block, repr_html):
        said = made(full)
        assert "174,850 params, the default" in said and "43,594 params, layer39=pool" in said
    assert "layer39" not in summary.leaderboard(view_of(*[list(full.history)]))
    assert summary.trial_line(full.history.rows[1], full).endswith(", 43,594 params, layer39=pool")


def ended(number: int, params: int) -> r.Event:
    return r.Finished(number=number, state="complete", values=(0.5,), fidelity=1.0, note={"params": params})


def test_a_network_that_could_not_see_smaller_images_is_not_said_to_have_seen_them():
    (line,) = lines_of(view_of(segment(0, 0.02, 0.7, first=True, full_size=True), stages=STAGES))
    assert "after race 1 of 3: val" in line


@pytest.mark.parametrize("made", [summary.final_block, summary.results, repr_html, render])
def test_no_report_counts_steps_that_are_a_made_up_scale(made):
    said = " ".join(made(planned()).split())
    assert SMALL in said and "of 1000" not in said and "1000 steps" not in said


def test_the_order_is_explained_by_phases():
    said = " ".join(explanation(planned()))
    assert "values of different phases do not compare" in said
    assert f"trial 0 (0.41 after finish) is above trial 1 (0.74 after {SMALL})" in said
    assert f"set aside after {SMALL}" in said


@pytest.mark.parametrize(
    ("step", "said"), [(20, SMALL), (300, "confirmation"), (160, "confirmation, 50 %"), (650, "finish, 50 %")]
)
def test_a_report_on_the_way_says_how_far_the_phase_is(step, said):
    full = planned()
    row = full.history.rows[0]
    assert at_step(step, row, full) == said


def test_learning_curves_name_phases_and_forecast_nothing_across_them():
    page = render(planned())
    assert "Values of different phases do not compare" in page and "Expected in full" not in page
    assert '<th scope="col">confirmation</th>' in page
