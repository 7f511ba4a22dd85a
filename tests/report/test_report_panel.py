"""The live panel: what is printed where, how often, and that it never harms a study."""

from __future__ import annotations

import dataclasses
import io
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_studies import halved, lab, trial, view_of

import modelwright as mw
from modelwright.core import records as r
from modelwright.core.clock import ManualClock
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.report.panel import BURST, Display, Guarded, Lines, panel
from modelwright.report.progress import Progress, picture
from modelwright.report.text import clean, width
from modelwright.report.view import StudyView, ranked


def replay(shown, full: StudyView, clock: ManualClock | None = None, pace: float = 0.0) -> None:
    history = History(full.objectives)
    view = dataclasses.replace(full, history=history)
    shown.start(view)
    for i, event in enumerate(full.history):
        history.extend([event], at=full.history.time_of(i))
        if clock is not None:
            clock.advance(pace)
        shown.events([event], view)
    shown.finish(view)


def lines_of(full: StudyView, verbose: int = 1, pace: float = 1.0) -> list[str]:
    out, clock = io.StringIO(), ManualClock()
    replay(panel(verbose, stream=out, clock=clock), full, clock, pace)
    return out.getvalue().splitlines()


def test_without_a_terminal_each_trial_that_ends_is_one_line_without_escapes():
    full = lab(20)
    lines = lines_of(full)
    assert "\x1b" not in "".join(lines)
    for row in full.history.rows:
        assert sum(f"] trial {row.number} {row.state}" in line for line in lines) == 1
    failed = next(line for line in lines if "trial 11 failed" in line)
    assert "ValueError: bad units (model.py:12)" in failed


@pytest.mark.parametrize("trials, said", [(None, "[2 done, 4.0 s] trial 1"), (30, "[2/30, 4.0 s] trial 1")])
def test_a_plain_line_says_how_many_trials_ended_and_when(trials, said):
    full = view_of(*(trial(i, {}) for i in range(3)), at=2.0, trials=trials, seconds=60.0)
    assert any(line.startswith(said) for line in lines_of(full))


def test_new_bests_are_marked_and_only_those():
    full = view_of(*(trial(i, {"x": i}, (v,)) for i, v in enumerate([0.5, 0.4, 0.6, 0.6])))
    marked = [line for line in lines_of(full) if "new best" in line]
    assert [line.split("trial ")[1][0] for line in marked] == ["0", "2"]


def test_a_network_that_was_trained_on_in_vain_is_no_new_best():
    first = trial(0, {"x": 0}, (0.9,), state="paused", fidelity=0.3)
    again = [r.Continued(number=0, fidelity=1.0), r.Started(number=0)]
    for value, said in ((0.9, False), (0.8, True)):
        last = r.Finished(number=0, state="complete", values=(value,), fidelity=1.0)
        lines = lines_of(view_of(first, [*again, last]))
        assert sum("new best" in line for line in lines) == 1
        assert any("the first trained this far" in line for line in lines) is said


def test_a_higher_fidelity_is_a_new_best_even_when_its_value_is_lower():
    full = view_of(trial(0, {"x": 0}, (0.9,), state="paused", fidelity=0.3), trial(1, {"x": 1}, (0.6,), fidelity=1.0))
    progress = Progress(full)
    assert progress.best is not None and progress.best.number == 1


def test_verbose_zero_prints_nothing_and_two_prints_more():
    full = lab(6)
    out = io.StringIO()
    replay(panel(0, stream=out), full)
    assert out.getvalue() == ""
    more = lines_of(full, verbose=2)
    assert any("trial 0 started" in line for line in more) and any("trial 0 epoch 1: val_acc" in line for line in more)
    assert len(more) > len(lines_of(full))


def test_a_flood_of_lines_is_held_but_new_bests_and_new_reasons_are_said():
    error = r.Failure(kind="exception", type="KeyError", message="'late'", where="f.py:3")
    trials = [trial(i, {"x": i}, (0.5,)) for i in range(500)]
    trials += [trial(500, {"x": 500}, None, state="failed", error=error), trial(501, {"x": 501}, (0.9,))]
    lines = lines_of(view_of(*trials), pace=0.0)
    said = [line for line in lines if "] trial " in line]
    assert len(said) <= BURST + 3
    assert any("KeyError: 'late' (f.py:3)" in line and "(and 470 lines before)" in line for line in said)
    assert any("trial 501 complete" in line and "new best" in line for line in said)


def test_the_final_block_says_best_time_top_failures_and_what_next():
    full = lab(30, store="./studies.db", commands=("study.best_model()",), stopped="All 30 trials were started")
    text = "\n".join(lines_of(full))
    best = full.history.best()
    assert best is not None and f"Best: trial {best.number}, val_accuracy=" in text
    assert "of 10 min 00 s" in text and "Top 5:" in text and "All 30 trials were started" in text
    assert "2 failed: ValueError: bad units (model.py:12) [trials 11, 28]" in text
    assert "Kept in ./studies.db" in text and text.rstrip().endswith("study.best_model()")


def test_a_study_without_any_value_still_ends_with_a_block():
    error = r.Failure(kind="exception", type="ValueError", message="no")
    text = "\n".join(lines_of(view_of(trial(0, {}, None, state="failed", error=error))))
    assert "No trial has a value." in text and "1 failed: ValueError: no" in text
    assert "No trial has a value." in "\n".join(lines_of(view_of()))


def test_time_left_follows_the_tighter_of_two_budgets():
    full = view_of(*(trial(i, {"x": i}) for i in range(5)), at=2.0, trials=10, seconds=100.0)
    fresh = Progress(view_of(trials=10, seconds=100.0))
    for event in full.history:
        fresh.fold(event, full)
    assert fresh.left(10.0) == pytest.approx(10.0)
    tight = dataclasses.replace(full, seconds=12.0)
    fresh.view = tight
    assert fresh.left(10.0) == pytest.approx(2.0)
    assert fresh.fraction(10.0) == pytest.approx(10 / 12)


def test_a_resumed_study_counts_what_was_there():
    old = lab(10)
    progress = Progress(old)
    assert len(progress.settled) == 10
    first = ranked(old)[0]
    assert progress.best is not None and progress.best.number == first.number


@given(st.lists(st.tuples(st.sampled_from([0.25, 0.5, 1.0]), st.floats(-5, 5)), max_size=25))
def test_the_best_so_far_is_the_best_of_the_history_when_trials_run_once(made):
    full = view_of(*(trial(i, {}, (v,), state="pruned", fidelity=f) for i, (f, v) in enumerate(made)))
    progress = Progress(view_of())
    for event in full.history:
        progress.fold(event, full)
    best = full.history.best()
    assert (progress.best and progress.best.number) == (best and best.number)


def test_a_paused_trial_that_goes_on_is_counted_once():
    history = History((Objective("loss", "min"),))
    view = StudyView(name="s", history=history, trials=1)
    progress = Progress(view)
    events = [
        r.Proposed(number=0, config={}, fidelity=0.5),
        r.Started(number=0),
        r.Finished(number=0, state="paused", values=(1.0,), fidelity=0.5),
        r.Continued(number=0, fidelity=1.0),
        r.Started(number=0, segment=1),
        r.Finished(number=0, state="complete", values=(0.5,), fidelity=1.0),
    ]
    seen = []
    for event in events:
        history.extend([event])
        progress.fold(event, view)
        seen.append(progress.ended())
    assert seen == ["", "", "1 paused", "", "", "1 complete"]


@pytest.mark.parametrize("method", ["start", "events", "finish"])
def test_a_panel_that_fails_falls_silent(method, caplog):
    class Broken(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    full = lab(3)
    shown = panel(1, stream=Broken())
    getattr(shown, method)(*([list(full.history), full] if method == "events" else [full]))
    replay(shown, full)
    assert isinstance(shown, Guarded) and "study goes on" in caplog.text


def test_a_stream_that_knows_only_ascii_gets_escapes():
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    replay(panel(1, stream=out), view_of(trial(0, {"größe": "ü"})))
    out.flush()
    assert rb"gr\xf6\xdfe=\xfc" in raw.getvalue()


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_what_users_named_things_never_steers_the_terminal(name, param, message):
    error = r.Failure(kind="exception", type="E", message=message)
    nasty = "\x1b[31m\x07\x9b2J\r\u202e"
    full = view_of(
        trial(0, {param + nasty: name}),
        trial(1, {param: nasty}, None, state="failed", error=error),
        name=name + nasty,
        stopped=message,
        commands=(name + nasty,),
    )
    out = io.StringIO()
    replay(Lines(out, ManualClock(), 2), full)
    kept = out.getvalue().replace("\n", "")
    assert all(char.isprintable() for char in kept if char in nasty or ord(char) < 32 or 0x7F <= ord(char) < 0xA0)
    assert clean(nasty).isprintable()


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4), st.integers(20, 90))
def test_each_line_of_the_panel_fits_the_terminal(names, columns):
    full = view_of(trial(0, dict.fromkeys(names, "語" * 30)), name=names[0], trials=3)
    assert all(width(line) <= columns for _, line in picture(Progress(full), 1.0, columns))


def test_a_notebook_output_is_replaced_at_most_twice_a_second():
    shown: list[str] = []
    clock = ManualClock()
    full = lab(20)
    replay(Display(shown.append, clock), full, clock, pace=0.01)
    assert 2 < len(shown) <= 3 + len(full.history) * 0.01 / 0.5
    assert "Top 5:" in shown[-1]


SCRIPT = """
import sys, time
sys.path.insert(0, {tests!r})
from report_studies import lab
from test_report_panel import replay
from modelwright.report.panel import panel
shown = panel(1)
print("kind", type(shown.inner).__name__)
class Slow:
    start, finish = shown.start, shown.finish
    def events(self, events, view):
        time.sleep(0.02)
        shown.events(events, view)
        if view.history[-1].__class__.__name__ == "Grew": print("never")
replay(Slow(), lab(6, name="[bold]lab[/bold]", store="here"))
"""


def in_terminal(script: str = SCRIPT, **environment: str) -> str:
    """Output of a study whose standard streams are a terminal."""
    script = script.format(tests=str(Path(__file__).parent))
    leader, follower = pty.openpty()
    keep = {k: v for k, v in os.environ.items() if k not in ("CI", "NO_COLOR", "FORCE_COLOR")}
    env = {**keep, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40", **environment}
    env["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    child = subprocess.Popen([sys.executable, "-c", script], stdout=follower, stderr=follower, env=env)
    os.close(follower)
    got: list[bytes] = []

    def read() -> None:
        try:
            while chunk := os.read(leader, 65536):
                got.append(chunk)
        except OSError:
            pass

    reader = threading.Thread(target=read)
    reader.start()
    assert child.wait(60) == 0, b"".join(got).decode()
    reader.join(10)
    os.close(leader)
    return b"".join(got).decode()


def test_a_terminal_gets_a_panel_and_keeps_only_the_final_block():
    pytest.importorskip("rich")
    out = in_terminal()
    assert "kind Live" in out
    assert "[bold]lab[/bold]" in out, "names are printed as they are"
    assert "━" in out and "\x1b[?25h" in out, "the cursor comes back"
    assert "] trial " not in out and "Top 5:" in out[out.rindex("\x1b") :]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_panel_of_any_width_keeps_what_matters(columns):
    full = halved(seconds=600.0, name="a-name-as-long-as-names-are-1234")
    lines = [line for _, line in picture(Progress(full), 100.0, columns)]
    assert all(width(line) <= columns for line in lines)
    text = "\n".join(lines)
    assert "100%" in text and "5 of 5 trials" in text and "1 min 40 s of 10 min 00 s" in text
    assert "about 8 min 20 s left" in text and "2 complete" in text and "3 paused" in text
    assert "best: trial 0  val_accuracy=0.8" in text


def test_a_narrow_panel_breaks_between_phrases_only():
    lines = [line for _, line in picture(Progress(halved(seconds=600.0)), 100.0, 30)]
    assert "5 of 5 trials" in lines and "1 min 40 s of 10 min 00 s" in lines and "about 8 min 20 s left" in lines


NOISY = """
import logging, sys
logging.basicConfig(level="INFO", format="LOG %(message)s", stream=sys.stderr)
import modelwright as mw
def job(hp, trial):
    import time
    for step in range(1, 5):
        print("SAID by the job", step, flush=True)
        logging.getLogger("mine").warning("of the job %s", step)
        time.sleep(0.15)
        trial.report(step, value=hp.Float("x", 0, 1))
mw.tune(job, objective="minimize", steps=4, trials=4, strategy="random", store=":memory:", WORKERS)
print("AFTER", flush=True)
logging.getLogger("mine").warning("after the end")
"""


@pytest.mark.parametrize("workers", ["workers=1", "workers=2"])
def test_what_the_tuned_code_prints_stands_above_the_panel_and_tears_nothing(workers):
    pytest.importorskip("rich")
    out = in_terminal(NOISY.replace("WORKERS", workers))
    for said, times in (("SAID by the job", 16), ("LOG of the job", 16 if workers == "workers=1" else 0)):
        places = [m.start() for m in re.finditer(said, out)]
        assert len(places) == times, "every line is shown once"
        begun = re.compile(r"(^|[\n\r]|\x1b\[[0-9;?]*[A-Za-z])$")
        assert all(begun.search(out[max(at - 20, 0) : at]) for at in places), "no line begins within another"
    assert "━" in out and "\nAFTER" in out and "LOG after the end" in out
    assert out.rindex("SAID by the job") < out.index("Best: trial")


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"CI": "true"}, {"TERM": "dumb"}])
def test_plain_lines_where_a_terminal_asks_for_them(variable):
    out = in_terminal(**variable)
    assert "kind Lines" in out and "\x1b" not in out and "trial 5" in out


def test_the_first_interrupt_is_answered_at_once_in_plain_lines(capsys):
    def interrupted(hp, trial):
        if trial.number == 1:
            signal.raise_signal(signal.SIGINT)
            signal.pthread_sigmask(signal.SIG_BLOCK, [])  # the handler runs before the next line does
            print("the trial goes on", file=sys.stderr)
        return hp.Float("x", 0, 1)

    study = mw.tune(interrupted, objective="minimize", strategy="random", trials=5, store=":memory:")
    lines = capsys.readouterr().err.splitlines()
    said = next(i for i, line in enumerate(lines) if line.startswith("Stopping after the running trial"))
    assert lines[said].endswith("; Ctrl-C again stops now. Nothing finished is lost.")
    assert lines[said + 1] == "the trial goes on" and "Stopping" not in "".join(lines[said + 1 :])
    assert len(study.trials) == 2


def test_the_panel_says_when_a_stopping_search_ends_in_place_of_the_time_left():
    history = History([Objective("loss", "min")])
    view = StudyView(name="s", history=history, trials=20, strategy="random")
    history.extend([r.Proposed(number=0, config={}), r.Started(number=0)], at=0.0)
    history.extend([r.Finished(number=0, state="complete", values=(1.0,), duration=50.0)], at=50.0)
    progress = Progress(view)
    for event in (r.Proposed(number=1, config={}), r.Started(number=1)):
        history.extend([event], at=50.0)
        progress.fold(event, view)
    progress.view = dataclasses.replace(view, stopping=True)
    text = " ".join(line for _, line in picture(progress, 60.0, 60))
    assert "after the running trial (about 40 s); Ctrl-C again" in text and " left" not in text
    history.extend([r.Reported(number=1, step=1, metrics={"loss": 1.0}, fidelity=0.25)], at=60.0)
    assert "the running trial (about 30 s)" in progress.stopping(60.0)


def test_the_panel_counts_the_front_where_there_are_several_objectives():
    objectives = (Objective("cost", "min"), Objective("error", "min"))
    full = view_of(*(trial(i, {"x": i}, (i, 1 - i)) for i in range(3)), objectives=objectives)
    lines = [line for _, line in picture(Progress(full), 1.0, 100)]
    assert "front: 3 trials that no other beats in everything" in lines and not any("best" in line for line in lines)
