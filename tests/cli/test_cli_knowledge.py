"""What is known beforehand, on a command line: --first, --results, --transfer."""

import json

from cli_process import run

TUNE = "tune job.py:parabola --objective minimize --strategy random".split()


def test_first_results_and_transfer(folder):
    (folder / "known.csv").write_text("x,kind,value\n1.5,b,1.25\n", encoding="utf-8")
    more = ["--first", "x=2.5,kind=b", "--first", '{"x": 3}', "--results", "known.csv", "--name", "lab"]
    tuned = run(*TUNE, "--trials", "3", *more, folder=folder)
    assert tuned.code == 0 and "trials: 4 (3 complete, 1 given)" in tuned.out
    found = json.loads(run("export", "lab", "--format", "json", folder=folder).out)["trials"]
    assert [trial["config"]["x"] for trial in found] == [-5.0, 1.5, 2.5, 3.0]
    assert [trial["facts"].get("given") for trial in found] == [None, True, None, None]

    learned = run(*TUNE, "--trials", "2", "--transfer", "lab", "--name", "next", "--json", folder=folder)
    assert json.loads(learned.out)["best"]["config"]["x"] == 3.0


def test_what_cannot_be_read_is_said(folder):
    (folder / "bad.csv").write_text("x,value\n1.5,good\n", encoding="utf-8")
    for words, code, said in [
        (["--first", "x"], 2, "'x' is no configuration"),
        (["--first", "{x"], 2, "is no JSON"),
        (["--results", "bad.csv"], 3, "results[0]: value: 'good' is no number"),
        (["--results", "none.csv"], 3, "it cannot be read: No such file"),
        (["--transfer", "lab"], 3, "there is no study 'lab'"),
    ]:
        done = run(*TUNE, "--trials", "2", *words, folder=folder)
        assert (done.code, said in done.err) == (code, True), done.err
