"""``make demo``: is a network of 512 units with a learning rate of 0.001 the right one? Two to three minutes.

Trains that baseline on Fashion-MNIST, searches units and learning rate for a minute and a half, and compares both on
the test set, with a word on what chance alone would do. The study stays in ./.modelwright/studies.db.
"""

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

import modelwright as mw

SMALL = os.environ.get("MODELWRIGHT_SMALL") == "1"
EPOCHS = 2 if SMALL else 10
SECONDS, SECONDS_FOR_DIGITS = (10, 10) if SMALL else (100, 30)
ROWS = 1_000 if SMALL else 60_000
WORKERS = 2 if len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else [0]) > 1 else 1


def data():
    """The name of the set, how many seconds it deserves, and images scaled to [0, 1]."""
    try:
        (x_train, y_train), (x_test, y_test) = mw.datasets.fashion_mnist()
        name, seconds = "Fashion-MNIST", SECONDS
    except mw.datasets.DatasetError as error:
        (x_train, y_train), (x_test, y_test) = mw.datasets.digits()
        name, seconds = "handwritten digits", SECONDS_FOR_DIGITS
        print("Fashion-MNIST is not to be had here, so this demo takes the digits bundled with scikit-learn.")
        print(f"({error})\n")
    top = np.float32(x_train.max())
    return name, seconds, (x_train[:ROWS] / top, y_train[:ROWS]), (x_test / top, y_test)


def network(shape, units, rate):
    """A compiled classifier with one hidden layer."""
    model = keras.Sequential(
        [
            keras.layers.Input(shape),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train_baseline(x, y):
    """What one would train without a search; as for the tuned model, the best of its epochs is kept."""
    keras.utils.set_random_seed(0)
    model = network(x.shape[1:], 512, 0.001)
    best = keras.callbacks.EarlyStopping(monitor="val_accuracy", patience=EPOCHS, restore_best_weights=True)
    seen = model.fit(x, y, epochs=EPOCHS, validation_split=0.2, callbacks=[best], verbose=0)
    return model, max(seen.history["val_accuracy"])


def compare(baseline, tuned, x, y):
    """Both on the test set, row by row; whether the difference is more than the rows' chance."""
    right = [np.argmax(model.predict(x, verbose=0, batch_size=512), axis=1) == y for model in (baseline, tuned)]
    gap = right[1].astype(float) - right[0]
    error = gap.std() / np.sqrt(len(gap))
    print(f"   baseline  {right[0].mean():.4f}   {baseline.count_params():>9,} weights")
    print(f"   tuned     {right[1].mean():.4f}   {tuned.count_params():>9,} weights")
    print(f"   difference {gap.mean():+.4f}, standard error {error:.4f}: ", end="")
    if abs(gap.mean()) <= 2 * error:
        print("within what the choice of test images does by chance.")
    elif gap.mean() > 0:
        print("more than the choice of test images explains.")
    else:
        print("the baseline is better, by more than the choice of test images explains.")
    print("   Training with another seed moves both a little as well; mw.tune(..., confirm=3) takes that into account.")


def main():
    began = time.monotonic()
    name, seconds, (x, y), (x_test, y_test) = data()
    shape = x.shape[1:]
    print(f"Modelwright {mw.__version__} on {name}: {len(x):,} images to learn from, {len(x_test):,} to test on.\n")

    print(f"1. The baseline: 512 units, learning rate 0.001, {EPOCHS} epochs.")
    baseline, value = train_baseline(x, y)
    print(f"   Validation accuracy {value:.4f} after {time.monotonic() - began:.0f} s.\n")

    def build(hp):
        """What is tuned: the same network with two things left open."""
        units = hp.Int("units", 32, 512, step=32, default=128)
        return network(shape, units, hp.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=1e-3))

    print(f"2. The search: {seconds} seconds, {WORKERS} worker{'s' * (WORKERS > 1)}, up to {EPOCHS} epochs a trial.")
    study = mw.tune(
        build, x, y, objective="val_accuracy", validation_split=0.2, epochs=EPOCHS, seconds=seconds, workers=WORKERS
    )

    best = study.best
    print(
        f"\n3. The best, trial {best.number} at epoch {best.best_step}, against the baseline on the test set, which no"
    )
    print("   search has seen (share of right answers):")
    compare(baseline, study.best_model(), x_test, y_test)

    Path(".modelwright").mkdir(exist_ok=True)
    report = study.report(Path(".modelwright") / f"{study.name}.html").resolve()
    print(f"\n4. The whole story, for a browser ({time.monotonic() - began:.0f} s in all):\n   {report.as_uri()}")
    print(f"   The study stays: mw.load_study({study.name!r}) opens it again, in this folder.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
