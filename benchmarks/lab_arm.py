"""One arm of benchmarks/lab.py: one search of the reference model, in a process of its own. Prints one JSON line.

    python benchmarks/lab_arm.py kerastuner|dropin|dropin2|auto2 SEED [--epochs 10] [--rows 60000]

Arms: kerastuner (KerasTuner's Hyperband), dropin (the same script through modelwright.keras_tuner), dropin2 (with
workers=2), auto (mw.tune, strategy auto, one process), auto2 (workers=2).
"""

import argparse
import gzip
import json
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np


def load(rows):
    """Fashion-MNIST training images in [0, 1] and labels; without Modelwright, for the peer's environment lacks it."""
    given = os.environ.get("MODELWRIGHT_DATA")
    root = Path(given or ".") / "fashion-mnist"
    if not given or not (root / "train-images-idx3-ubyte.gz").is_file():
        raise SystemExit(
            f"There is no {root}/train-images-idx3-ubyte.gz. Set MODELWRIGHT_DATA to the folder that holds "
            "fashion-mnist/ with its four files: MODELWRIGHT_DATA=/path/to/data python benchmarks/lab.py ..."
        )
    with gzip.open(root / "train-images-idx3-ubyte.gz") as file:
        x = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)[:rows] / np.float32(255)
    with gzip.open(root / "train-labels-idx1-ubyte.gz") as file:
        y = np.frombuffer(file.read(), np.uint8, offset=8)[:rows]
    return x, y


def build(hp):
    """784 - units - 10 with dropout: two things to tune, units and the learning rate."""
    model = keras.Sequential(
        [
            keras.layers.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(hp.Int("units", min_value=32, max_value=512, step=32), activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    rate = hp.Choice("learning_rate", [1e-2, 1e-3, 1e-4])
    model.compile(keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
    return model


class Seen(keras.callbacks.Callback):
    """Appends the time and the validation accuracy of every epoch to a file, from whichever process trains."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        with open(self.path, "a") as file:
            file.write(f"{time.time()} {float((logs or {})['val_accuracy'])}\n")


def by_tuner(arm, seed, epochs, x, y, callbacks, folder):
    """The search as a KerasTuner script writes it."""
    if arm == "kerastuner":
        import keras_tuner as kt
    else:
        import modelwright.keras_tuner as kt
    tuner = kt.Hyperband(
        build, objective="val_accuracy", max_epochs=epochs, factor=3, directory=folder, project_name="lab", seed=seed
    )
    extra = {"workers": 2} if arm == "dropin2" else {}
    began = time.time()
    tuner.search(x, y, epochs=epochs, validation_split=0.2, verbose=0, callbacks=callbacks, **extra)
    return began, len(tuner.oracle.get_best_trials(1000))


def by_tune(arm, seed, epochs, x, y, callbacks, folder, trials, seconds):
    """The search through mw.tune."""
    import modelwright as mw

    began = time.time()
    study = mw.tune(
        build, x, y, objective="val_accuracy", strategy="auto", validation_split=0.2, epochs=epochs, trials=trials,
        seconds=seconds, workers=2 if arm == "auto2" else 1, callbacks=callbacks, seed=seed, verbose=0,
        store=Path(folder) / "s.db",
    )  # fmt: skip
    return began, len(study.trials)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("arm", choices=["kerastuner", "dropin", "dropin2", "auto", "auto2"])
    parser.add_argument("seed", type=int)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rows", type=int, default=60000)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seconds", type=float)
    args = parser.parse_args()
    x, y = load(args.rows)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "seen.txt"
        callbacks = [keras.callbacks.EarlyStopping(monitor="val_loss", patience=5), Seen(str(log))]
        if args.arm.startswith("auto"):
            began, trials = by_tune(
                args.arm, args.seed, args.epochs, x, y, callbacks, folder, args.trials, args.seconds
            )
        else:
            began, trials = by_tuner(args.arm, args.seed, args.epochs, x, y, callbacks, folder)
        seconds = time.time() - began
        points = sorted(tuple(map(float, line.split())) for line in log.read_text().splitlines())
    best, when = 0.0, []
    for at, value in points:
        if value > best:
            best = value
            when.append([round(at - began, 1), round(value, 4)])
    print(
        json.dumps(
            {"arm": args.arm, "seed": args.seed, "seconds": round(seconds, 1), "trials": trials,
             "epochs": len(points), "best": round(best, 4), "when": when}
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
