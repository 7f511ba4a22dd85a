"""Functions that return, raise and report in ways nobody would choose: the search goes on, or says what was wrong."""

import sys
import threading

import numpy as np
import pytest

import modelwright as mw


def tune(function, **options):
    options = {"objective": "minimize", "trials": 3, "store": ":memory:", "verbose": 0, "strategy": "random", **options}
    return mw.tune(function, **options)


def test_reports_from_several_threads_are_all_kept(tmp_path):
    def train(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        threads = [threading.Thread(target=trial.report, args=(step,), kwargs={"loss": x}) for step in range(1, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    study = tune(train, objective=mw.Minimize("loss"), trials=6, store=tmp_path / "s.db", name="s")
    assert {trial.state for trial in study.trials} == {"complete"} and len(study.trials) == 6
    told = [event for event, _ in study._store.load(study._record.id) if type(event).__name__ == "Reported"]
    assert len(told) == 6 * 8


def test_an_array_is_a_sequence_of_numbers():
    several = [mw.Minimize("a"), mw.Maximize("b")]
    study = tune(lambda hp: np.array([hp.Float("x", 0.0, 1.0), 2.0]), objective=several)
    assert all(trial.values == (trial.config["x"], 2.0) for trial in study.trials)
    with pytest.raises(mw.SubjectError, match="returned 2 values for 1 objective"):
        tune(lambda hp: np.array([1.0, 2.0]))


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ({"loss": None}, "loss is None"),
        ({"loss": "0.3"}, "loss is '0.3' .a str., no number"),
        ({"loss": {"a": 1.0}}, "loss is .*dict., no number"),
    ],
)
def test_a_dict_without_a_number_is_told_by_what_it_holds(returned, message):
    with pytest.raises(mw.SubjectError, match=message):
        tune(lambda hp: returned)


def test_what_is_no_number_is_not_called_one():
    with pytest.raises(mw.SubjectError, match="the result is '0.3'"):
        tune(lambda hp: "0.3", objective=[mw.Minimize("a"), mw.Maximize("b")])


class Unprintable(Exception):
    def __str__(self):
        raise ValueError("no text")


def test_an_error_that_cannot_be_printed_is_kept_like_others():
    def sometimes(hp):
        if hp.Int("x", 0, 9) == 7:
            raise Unprintable
        return 1.0

    study = tune(sometimes, strategy="grid", trials=10)
    failed = [trial for trial in study.trials if trial.state == "failed"]
    assert [trial.config["x"] for trial in failed] == [7]
    assert failed[0].error is not None
    assert failed[0].error.type == "Unprintable" and "ValueError in its __str__" in failed[0].error.message


def test_a_long_error_is_stored_without_its_middle():
    def sometimes(hp):
        if hp.Int("x", 0, 9) == 7:
            raise ValueError("begin" + "." * 3_000_000 + "end")
        return 1.0

    study = tune(sometimes, strategy="grid", trials=10)
    (failed,) = [trial for trial in study.trials if trial.state == "failed"]
    assert failed.error is not None
    kept = failed.error.traceback
    assert len(kept) < 101_000 and "begin" in kept and "characters left out" in kept and kept.rstrip().endswith("end")


def leaves(hp):
    if hp.Int("x", 0, 9) == 7:
        sys.exit("no such file")
    return 1.0


def test_a_trial_that_calls_exit_in_a_worker_fails_alone():
    study = tune(leaves, strategy="grid", trials=10, workers=2)
    (failed,) = [trial for trial in study.trials if trial.state == "failed"]
    assert failed.error is not None
    assert failed.error.type == "SystemExit" and "called sys.exit('no such file')" in failed.error.message
    assert "test_odd_functions.py" in failed.error.traceback and 'sys.exit("no such file")' in failed.error.traceback


@pytest.mark.parametrize("path", [None, 3, "", b"study.html"])
def test_a_report_needs_a_path(path):
    study = tune(lambda hp: hp.Float("x", 0.0, 1.0))
    with pytest.raises(mw.ArgumentError, match="is no path.*such as 'study.html'"):
        study.report(path)
