"""What the engine itself costs: 1,000 trials of a trivial function of ten parameters, random search.

    python benchmarks/overhead.py [--peer-python PATH]

Prints milliseconds a trial for Modelwright (memory, SQLite), and for Optuna and KerasTuner where ``--peer-python``
has them; all in one run, so that the ratios mean something.
"""

import argparse
import json
import subprocess
import sys
import tempfile

OURS = """
import json, sys, time, tempfile
import modelwright as mw
def f(hp): return sum(hp.Float(f"p{i}", 0.0, 1.0) for i in range(10))
out = {}
for name, store in (("memory", ":memory:"), ("sqlite", tempfile.mkdtemp() + "/s.db")):
    began = time.perf_counter()
    mw.tune(f, objective="minimize", strategy="random", trials=TRIALS, store=store, verbose=0)
    out[f"modelwright {name}"] = (time.perf_counter() - began) / TRIALS * 1e3
print(json.dumps(out))
"""
OPTUNA = """
import json, time, tempfile
import optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
def f(trial): return sum(trial.suggest_float(f"p{i}", 0.0, 1.0) for i in range(10))
out = {}
file = f"sqlite:///{tempfile.mkdtemp()}/s.db"
for name, storage, trials in (("memory", None, TRIALS), ("sqlite", file, TRIALS // 10)):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0), storage=storage)
    began = time.perf_counter()
    study.optimize(f, n_trials=trials)
    out[f"optuna {name}"] = (time.perf_counter() - began) / trials * 1e3
print(json.dumps(out))
"""
KERASTUNER = """
import contextlib, io, json, os, time, tempfile
os.environ["KERAS_BACKEND"] = "jax"
import keras_tuner as kt
class T(kt.RandomSearch):
    def run_trial(self, trial, *args, **kwargs):
        hp = trial.hyperparameters
        return sum(hp.Float(f"p{i}", 0.0, 1.0) for i in range(10))
trials = TRIALS // 5
tuner = T(objective=None, max_trials=trials, directory=tempfile.mkdtemp(), project_name="p", seed=1)
began = time.perf_counter()
with contextlib.redirect_stdout(io.StringIO()):
    tuner.search(verbose=0)
print(json.dumps({"kerastuner files": (time.perf_counter() - began) / trials * 1e3}))
"""


def measure(python, code, trials):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, "-c", code.replace("TRIALS", str(trials))], capture_output=True, text=True, cwd=folder
        )
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python")
    parser.add_argument("--trials", type=int, default=1000)
    args = parser.parse_args()
    rows = measure(sys.executable, OURS, args.trials)
    if args.peer_python:
        rows |= measure(args.peer_python, OPTUNA, args.trials)
        rows |= measure(args.peer_python, KERASTUNER, args.trials)
    for name, value in rows.items():
        print(f"{name:22s} {value if isinstance(value, str) else f'{value:8.2f} ms a trial'}")


if __name__ == "__main__":
    main()
