"""Trackers are told what happens, by tools that read it back; and whatever they do, the search is the same."""

import importlib.metadata
import json
import math
import threading
import warnings

import pytest

import modelwright as mw
from modelwright.api.recall import described_call
from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.store.sqlite import SqliteStore
from modelwright.trackers import MLflow, TensorBoard, TrackedStudy, feed, resolve_trackers
from modelwright.trackers.event_file import EventFile
from modelwright.trackers.feed import Feed


def function(hp, trial):
    x = hp.Float("x", 0.0, 1.0)
    kind = hp.Choice("kind", ["a", "b"])
    if trial.number == 2:
        raise ValueError("broken")
    for step in range(1, 4):
        trial.report(step, loss=x + (kind == "b") + 1 / step)


def search(tmp_path, trackers, **more):
    options = {"objective": mw.Minimize("loss"), "strategy": "random", "trials": 5, "name": "lab", "verbose": 0}
    return mw.tune(function, store=tmp_path / "s.db", trackers=trackers, **options | more)


def notes(study):
    return [note.data for note in study._machine.history.notes if note.kind == "tracker"]


class Recorder:
    """Remembers its calls, and the threads they came from."""

    def __init__(self):
        self.calls, self.threads = [], set()

    def _add(self, *call):
        self.calls.append(call)
        self.threads.add(threading.current_thread())

    def start(self, study):
        self._add("start", study.name, study.objectives)

    def started(self, trial):
        self._add("started", trial.number, dict(trial.config))

    def reported(self, trial, step, metrics):
        self._add("reported", trial.number, step, dict(metrics))

    def finished(self, trial):
        self._add("finished", trial.number, trial.state, trial.values)

    def close(self):
        self._add("close")


class Raising(Recorder):
    """Raises in one of its methods."""

    def __init__(self, method):
        super().__init__()
        self.method = method

    def _add(self, *call):
        super()._add(*call)
        if call[0] == self.method:
            raise OSError("no such server")


class Hanging(Recorder):
    """Waits for ever in one of its methods."""

    def __init__(self, method):
        super().__init__()
        self.method, self.never = method, threading.Event()

    def _add(self, *call):
        super()._add(*call)
        if call[0] == self.method:
            self.never.wait()


def test_a_tracker_is_told_in_order_in_a_thread_of_its_own(tmp_path):
    tracker = Recorder()
    study = search(tmp_path, tracker)
    assert tracker.calls[0] == ("start", "lab", (("loss", "min"),)) and tracker.calls[-1] == ("close",)
    assert tracker.threads.isdisjoint({threading.main_thread()}) and len(tracker.threads) == 1
    for trial in study.trials:
        mine = [call for call in tracker.calls if len(call) > 1 and call[1] == trial.number]
        reports = [("reported", trial.number, step, metrics) for step, metrics in trial._row.reports]
        values = tuple(trial._row.values) if trial._row.values else None
        assert mine[0][0] == "started" and mine[1:-1] == reports
        assert mine[-1] == ("finished", trial.number, trial.state, values)
    assert notes(study) == []


def test_with_worker_processes_it_is_told_as_well(tmp_path):
    tracker = Recorder()
    search(tmp_path, tracker, workers=2)
    assert sorted(call[1] for call in tracker.calls if call[0] == "finished") == [0, 1, 2, 3, 4]


def alone(tmp_path):
    """What the search finds without trackers."""
    study = search(tmp_path / "alone", None)
    return [(t.config, t.state, t._row.values) for t in study.trials]


@pytest.mark.parametrize("method", ["start", "started", "reported", "finished", "close"])
def test_a_tracker_that_raises_is_told_of_once_and_harms_nothing(tmp_path, method):
    (tmp_path / "alone").mkdir()
    tracker, other = Raising(method), Recorder()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        study = search(tmp_path, [tracker, other])
    told = [str(w.message) for w in caught if "tracker" in str(w.message)]
    assert len(told) == 1 and "'Raising' failed" in told[0] and "no such server" in told[0]
    assert [note["name"] for note in notes(study)] == ["Raising"]
    assert [(t.config, t.state, t._row.values) for t in study.trials] == alone(tmp_path)
    assert len([call for call in other.calls if call[0] == "finished"]) == 5


def test_after_three_errors_in_a_row_it_is_told_nothing_more(tmp_path):
    class Broken(Recorder):
        def _add(self, *call):
            super()._add(*call)
            if call[0] not in ("start", "close"):
                raise OSError("no such server")

    tracker = Broken()
    with pytest.warns(UserWarning, match="no such server"):
        search(tmp_path, tracker)
    assert [call[0] for call in tracker.calls] == ["start", "started", "reported", "reported", "close"]


@pytest.mark.parametrize("method", ["start", "reported", "close"])
def test_a_tracker_that_hangs_is_left_behind(tmp_path, monkeypatch, method):
    (tmp_path / "alone").mkdir()
    monkeypatch.setattr(Feed.close, "__defaults__", (0.2,))
    tracker = Hanging(method)
    with pytest.warns(UserWarning, match="it hangs"):
        study = search(tmp_path, tracker)
    assert [(t.config, t.state, t._row.values) for t in study.trials] == alone(tmp_path)
    assert "hangs" in notes(study)[0]["problem"]
    tracker.never.set()


def test_a_tracker_that_is_slow_hears_of_fewer_reports_but_of_every_end(monkeypatch):
    monkeypatch.setattr(feed, "_FULL", 10)
    tracker = Hanging("start")
    history = History((Objective("loss", "min"),))
    study = TrackedStudy(name="a", objectives=(), strategy="", seed=0, subject="", unit="step", store="", folder=None)  # pyright: ignore[reportArgumentType]
    fed = Feed([("slow", tracker)], study, history, "me")

    def happen(*events):
        history.extend(list(events))
        fed.events(events)

    happen(r.Proposed(number=0, config={"x": 1}), r.Started(number=0, worker="me"))
    for step in range(50):
        happen(r.Reported(number=0, step=step, metrics={"loss": 1.0}))
    happen(r.Finished(number=0, state="complete", values=(1.0,)))
    tracker.never.set()
    with pytest.warns(UserWarning, match="too slow: 41 calls were left out"):
        (note,) = fed.close()
    assert note.data["dropped"] == 41
    assert [call[0] for call in tracker.calls] == ["start", "started", *["reported"] * 9, "finished", "close"]


def test_trials_of_other_sessions_are_theirs_to_tell():
    tracker, history = Recorder(), History((Objective("loss", "min"),))
    study = TrackedStudy(name="a", objectives=(), strategy="", seed=0, subject="", unit="step", store="", folder=None)  # pyright: ignore[reportArgumentType]
    fed = Feed([("one", tracker)], study, history, "me")
    events = [
        r.Proposed(number=0, config={}),
        r.Started(number=0, worker="other"),
        r.Finished(number=0, state="failed"),
    ]
    history.extend(events)
    fed.events(events)
    assert fed.close() == [] and [call[0] for call in tracker.calls] == ["start", "close"]


# --- how one is found ---------------------------------------------------------------------------------


def test_both_are_entry_points():
    names = {entry.name: entry.load() for entry in importlib.metadata.entry_points(group="modelwright.trackers")}
    if not names:
        pytest.skip("Modelwright was not installed since it has entry points")
    assert names["mlflow"] is MLflow and names["tensorboard"] is TensorBoard


def test_a_package_may_bring_one(monkeypatch):
    entry = importlib.metadata.EntryPoint("mine", f"{__name__}:Recorder", "modelwright.trackers")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry])
    monkeypatch.setitem(__import__("sys").modules, __name__, __import__("types").SimpleNamespace(Recorder=Recorder))
    ((name, tracker),) = resolve_trackers("mine")
    assert name == "mine" and isinstance(tracker, Recorder)


@pytest.mark.parametrize(
    ("given", "said"), [("wandb", "mlflow, tensorboard"), (3, "has no start"), (TensorBoard, "TensorBoard()")]
)
def test_what_is_no_tracker_is_refused_before_the_search(tmp_path, given, said):
    with pytest.raises(mw.ArgumentError) as caught:
        search(tmp_path, given)
    assert said in str(caught.value)
    assert not (tmp_path / "s.db").exists()


def test_workers_tell_those_that_have_names():
    asked = {"subject": function, "trackers": ["tensorboard", Recorder()]}
    assert described_call(asked, {})["options"] == {"trackers": {"plain": ["tensorboard"]}}


# --- read back by the tools themselves ----------------------------------------------------------------


def test_tensorboard_reads_the_curves_and_the_table(tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard reads the files back")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import metadata

    study = search(tmp_path, TensorBoard(tmp_path / "runs"))
    for trial in study.trials:
        read = EventAccumulator(str(tmp_path / "runs" / f"trial-{trial.number:05d}"))
        read.Reload()
        content = read.PluginTagToContent("hparams")
        start = metadata.parse_session_start_info_plugin_data(content["_hparams_/session_start_info"])
        told = {name: value.string_value or value.number_value for name, value in start.hparams.items()}
        assert told == trial.config
        end = metadata.parse_session_end_info_plugin_data(content["_hparams_/session_end_info"])
        assert end.status == (2 if trial.state == "failed" else 1)
        if trial.state == "complete":
            curve = [(event.step, event.value) for event in read.Scalars("loss")]
            assert curve == [(step, pytest.approx(metrics["loss"])) for step, metrics in trial._row.reports]
            assert read.Scalars("best/loss")[0].value == pytest.approx(trial.value)


def test_event_files_hold_what_is_hard_to_hold(tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard reads the files back")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import metadata

    file = EventFile(tmp_path, 1_700_000_000.5)
    config = {"true": True, "große Zahl": 10**400, "none": None, "shape": (1, 2), "tiny": 5e-324, "n": -3}
    file.hparams(config, "group", 1_700_000_000.5)
    file.scalars({"inf": math.inf, "nan": math.nan, "huge": -1e300, "a/b": 0.5}, 3_000_000_000, 1.0)
    file.close()
    read = EventAccumulator(str(tmp_path))
    read.Reload()
    content = read.PluginTagToContent("hparams")["_hparams_/session_start_info"]
    told = metadata.parse_session_start_info_plugin_data(content).hparams
    assert told["true"].bool_value is True and told["tiny"].number_value == 5e-324 and told["n"].number_value == -3
    assert told["große Zahl"].string_value == str(10**400) and told["shape"].string_value == "(1, 2)"
    values = {tag: read.Scalars(tag)[0] for tag in ("inf", "nan", "huge", "a/b")}
    assert values["inf"].value == math.inf and math.isnan(values["nan"].value) and values["huge"].value == -math.inf
    assert values["a/b"].step == 3_000_000_000


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    """MLflow's client, over files."""
    pytest.importorskip("mlflow", reason="MLflow reads back what it was told")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setattr(Feed.close, "__defaults__", (120.0,))
    from mlflow.tracking import MlflowClient

    return MlflowClient((tmp_path / "mlruns").as_uri())


def test_mlflow_has_a_run_for_each_trial(tmp_path, mlflow):
    study = search(tmp_path, "mlflow")
    assert notes(study) == []
    place = mlflow.get_experiment_by_name("lab").experiment_id
    runs = {int(run.data.tags["modelwright.trial"]): run for run in mlflow.search_runs([place])}
    assert sorted(runs) == [0, 1, 2, 3, 4]
    for trial in study.trials:
        run = runs[trial.number]
        assert run.data.params == {name: str(value) for name, value in trial.config.items()}
        assert run.data.tags["modelwright.state"] == trial.state
        assert run.info.status == ("FAILED" if trial.state == "failed" else "FINISHED")
        if trial.state == "complete":
            curve = [(m.step, m.value) for m in mlflow.get_metric_history(run.info.run_id, "loss")]
            assert curve == [(step, metrics["loss"]) for step, metrics in trial._row.reports]
            assert run.data.metrics["best/loss"] == trial.value
    assert "broken" in runs[2].data.tags["modelwright.error"]


def test_a_run_of_mlflow_goes_on_where_an_earlier_session_left_it(tmp_path, mlflow):
    study = TrackedStudy(
        name="it's", objectives=(), strategy="random", seed=0, subject="f", unit="step", store="s", folder=tmp_path
    )
    for again, state in ((False, "paused"), (True, "complete")):
        tracker, history = MLflow(), History((Objective("loss", "min"),))
        fed = Feed([("mlflow", tracker)], study, history, "me")
        segment = int(again)
        events = [
            r.Proposed(number=0, config={"x": 1}),
            r.Started(number=0, worker="me", segment=segment),
            r.Reported(number=0, step=1 + segment, metrics={"loss": 1.0}),
            r.Finished(number=0, state=state, values=(1.0,), metrics={"loss": 1.0}),
        ]
        for event in events:
            history.extend([event])
            fed.events([event])
        assert fed.close() == []
    place = mlflow.get_experiment_by_name("it_s").experiment_id
    (run,) = mlflow.search_runs([place])
    assert run.info.status == "FINISHED" and run.data.tags["modelwright.state"] == "complete"
    assert len(mlflow.get_metric_history(run.info.run_id, "loss")) == 2


def test_the_notes_of_a_tracker_are_kept(tmp_path):
    with pytest.warns(UserWarning):
        search(tmp_path, Raising("finished"))
    store = SqliteStore(tmp_path / "s.db")
    kept = [event.data for event, _ in store.load(1) if getattr(event, "kind", "") == "tracker"]
    assert [note["name"] for note in kept] == ["Raising"] and json.dumps(kept)
