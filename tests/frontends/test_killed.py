"""A search with checkpoints that is killed again and again ends as one that nobody disturbed."""

import collections
import os
import random
import subprocess
import sys
import textwrap
import time

import pytest

import modelwright as mw

pytest.importorskip("keras")

SCRIPT = """
    import os, sys
    import keras, numpy as np
    import modelwright as mw

    x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")

    class Log(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            with open(sys.argv[1] + ".epochs", "a") as file:
                file.write(f"{epoch}\\n")

    def build(hp):
        model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(hp.Int("units", 1, 8)),
                                  keras.layers.Dropout(0.2), keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(hp.Float("lr", 1e-3, 1e-1, sampling="log")), loss="mse")
        return model

    mw.tune(build, x, x[:, :1] ** 2, objective="loss", strategy="hyperband", epochs=9, trials=14, seed=3, name="s",
            store=sys.argv[1], callbacks=[Log()], verbose=0)
"""


def epochs(path):
    place = path.with_name(path.name + ".epochs")
    return place.read_text().count("\n") if place.exists() else 0


def facts(path):
    rows = mw.load_study("s", path)._machine.history.rows
    return [(row.number, row.state, row.config, row.values, row.reports, row.segments) for row in rows]


@pytest.mark.slow
def test_a_search_with_checkpoints_that_is_killed_at_random_ends_as_one_that_is_not(tmp_path):
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}

    def start(path):
        return subprocess.Popen([sys.executable, str(tmp_path / "script.py"), str(path)], env=environment)

    whole, killed, chance = tmp_path / "whole.db", tmp_path / "killed.db", random.Random(1)
    assert start(whole).wait() == 0
    total, kills = epochs(whole), 6
    for _ in range(kills):
        process, most = start(killed), epochs(killed) + chance.randint(1, total // (kills + 2))
        while epochs(killed) < most and process.poll() is None:
            time.sleep(0.001)
        time.sleep(chance.uniform(0.0, 0.02))
        process.kill()
        assert process.wait() == -9
    assert start(killed).wait() == 0
    assert facts(killed) == facts(whole)
    states = collections.Counter(state for _, state, *_ in facts(whole))
    assert states["complete"] and len(states) > 1, "trials went on from checkpoints, and others did not"
    # Of a trial that was killed nothing before its checkpoint is trained again: a segment has six epochs at most.
    assert total <= epochs(killed) <= total + 6 * kills
