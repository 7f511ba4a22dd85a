"""A search whose study is on a PostgreSQL server is cancelled by another process."""

import subprocess
import sys
import textwrap
import time

import modelwright as mw

SCRIPT = """
    import sys, time
    import modelwright as mw

    def function(hp, trial):
        x, step = hp.Float("x", -1.0, 1.0), 0
        print("began", flush=True)
        while not trial.should_stop():
            time.sleep(0.05)
            step += 1
            trial.report(step, loss=x * x)

    study = mw.tune(function, objective=mw.Minimize("loss"), strategy="random", trials=3, store=sys.argv[1], name="c",
                    verbose=0)
    print(study.stopped)
"""


def test_a_trial_and_then_the_search_are_cancelled_from_elsewhere(postgres, tmp_path):
    url = f"{postgres.make('cancelled')}?files={tmp_path / 'files'}"
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    process = subprocess.Popen([sys.executable, str(tmp_path / "script.py"), url], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "began\n"
        assert mw.load_study("c", url).cancel(0) == "trial 0 is told to stop"
        assert process.stdout.readline() == "began\n"  # the next one
        until = time.monotonic() + 10
        while (study := mw.load_study("c", url)).trials[0].state != "lost":
            assert time.monotonic() < until
            time.sleep(0.1)
        study.cancel()
        assert process.communicate(timeout=60)[0] == "cancelled\n"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert [trial.state for trial in mw.load_study("c", url).trials] == ["lost", "running"]
