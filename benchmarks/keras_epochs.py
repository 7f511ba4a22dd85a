"""How long an epoch and a trial take: Keras' own fit against the fast one, and where the rest of the time goes.

    python benchmarks/keras_epochs.py epochs     # seconds per epoch, plain and fast, and of the bare arithmetic
    python benchmarks/keras_epochs.py trials     # seconds until the first epoch can start, new and repeated shapes
    python benchmarks/keras_epochs.py memory     # resident memory over many trials of differing shapes

The model is the reference one: 784 - units - 10, dropout, Adam, batches of 32, 48,000 training rows and 12,000 for
validation. Runs on one core unless --cores says otherwise; then seconds are of processor time. Prints one JSON line
for each measurement.
"""

from __future__ import annotations

# ruff: noqa: E402
import argparse
import gzip
import json
import os
import sys
import time
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("what", choices=["epochs", "trials", "memory"])
parser.add_argument("--cores", type=int, default=1)
parser.add_argument("--units", type=int, nargs="+", default=[512, 192])
parser.add_argument("--trials", type=int, default=60)
parser.add_argument("--plain", action="store_true", help="for trials and memory: without the fast fit")
options = parser.parse_args()

from modelwright.execute import threads

os.environ.update(threads.worker_environment(1, threads.available_cores()[: options.cores])[0])
threads.bind_to_cores()

import numpy as np

from modelwright.training.keras_backend import ensure_backend, release

keras = ensure_backend()
from modelwright.training.keras_fast import fast_fit
from modelwright.training.keras_programs import light_compilation

#: On one core the processor's time: what others do on the machine then hardly counts.
now = time.process_time if options.cores == 1 else time.perf_counter


def data():
    """Fashion-MNIST, or noise of its shape: the time is the same."""
    folder = Path(os.environ.get("MODELWRIGHT_DATA", "data"), "fashion-mnist")
    try:
        images, labels = ((folder / f"train-{n}-ubyte.gz").read_bytes() for n in ("images-idx3", "labels-idx1"))
        pixels = np.frombuffer(gzip.decompress(images), np.uint8, offset=16).reshape(-1, 28, 28)
        return pixels / np.float32(255), np.frombuffer(gzip.decompress(labels), np.uint8, offset=8)
    except OSError:
        rng = np.random.default_rng(0)
        return rng.random((60_000, 28, 28), "float32"), rng.integers(0, 10, 60_000).astype("uint8")


def build(units, optimizer=None):
    model = keras.Sequential(
        [
            keras.layers.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation="relu", name="hidden"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer or keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"]
    )
    return model


class Clock(keras.callbacks.Callback):
    """Seconds of each epoch, and of its validation."""

    def __init__(self):
        super().__init__()
        self.epochs, self.tests = [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = now()

    def on_test_begin(self, logs=None):
        self.test = now()

    def on_test_end(self, logs=None):
        self.tests.append(now() - self.test)

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(now() - self.start)


def plain_fit(model, *args, **kwargs):
    return type(model).fit(model, *args, **kwargs)


def say(**facts):
    print(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in facts.items()}), flush=True)


def multiplications(units, steps):
    """Seconds of the five matrix products of a step, alone, times ``steps``."""
    import jax
    import jax.numpy as jnp

    x, w, h, v, g = (jnp.ones(s) for s in ((32, 784), (784, units), (32, units), (units, 10), (32, 10)))

    @jax.jit
    def run(x, w, h, v, g):
        def body(i, c):
            x1 = x + c[0, 0] * 1e-30
            return jnp.zeros_like(c) + (x1 @ w).sum() + (h @ v).sum() + (x1.T @ (g @ v.T)).sum() + (h.T @ g).sum()

        return jax.lax.fori_loop(0, 300, body, jnp.zeros((1, 1)))

    run(x, w, h, v, g).block_until_ready()
    start = now()
    run(x, w, h, v, g).block_until_ready()
    return (now() - start) / 300 * steps


def epochs():
    x, y = data()
    for units in options.units:
        results = {}
        for name, fit in (("plain", plain_fit), ("fast", fast_fit), ("fast, SGD", fast_fit), ("plain", plain_fit)):
            keras.utils.set_random_seed(1)
            model, clock = build(units, "sgd" if "SGD" in name else None), Clock()
            fit(model, x, y, epochs=4, batch_size=32, validation_split=0.2, verbose=0, callbacks=[clock])
            best = min(clock.epochs[1:])
            results[name] = min(best, results.get(name, best))
            say(units=units, fit=name, epoch_seconds=best, validation_seconds=min(clock.tests[1:]))
        flops = 1500 * 32 * 2 * (2 * 784 * units + 3 * units * 10)
        say(
            units=units,
            ratio=results["fast"] / results["plain"],
            gflop_per_epoch=flops / 1e9,
            products_alone_seconds=multiplications(units, 1500),
            adam_seconds=results["fast"] - results["fast, SGD"],
        )


def trials():
    x, y = (a[:640] for a in data())
    fit = plain_fit if options.plain else fast_fit
    for units in [*options.units, *options.units]:
        start = now()
        with light_compilation():
            model = build(units)
        built = now()
        fit(model, x, y, batch_size=32, validation_split=0.2, verbose=0)
        say(units=units, build_seconds=built - start, first_fit_seconds=now() - built)


def memory():
    import psutil

    x, y = (a[:640] for a in data())
    fit = plain_fit if options.plain else fast_fit
    process, seen = psutil.Process(), []
    for number in range(options.trials):
        with light_compilation():
            model = build(32 + 8 * (number * 7 % options.trials))
        fit(model, x, y, epochs=1, batch_size=32, validation_split=0.2, verbose=0)
        del model
        release()
        seen.append(process.memory_info().rss / 1e6)
        if number % 5 == 4:
            say(trial=number + 1, rss_mb=seen[-1])
    late = seen[len(seen) // 3 :]
    say(slope_mb_per_trial=float(np.polyfit(range(len(late)), late, 1)[0]), trials=options.trials)


if __name__ == "__main__":
    sys.exit({"epochs": epochs, "trials": trials, "memory": memory}[options.what]())
