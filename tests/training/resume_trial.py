"""A small trial trained in the segments named on the command line; its whole state goes to a file.

Run as a script by ``test_keras_resume``: python resume_trial.py CASE FOLDER OUT FROM-TO [FROM-TO ...].
A segment that does not start at 0 goes on from the checkpoint in FOLDER; each leaves one there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from modelwright.core.objective import Objective
from modelwright.training.keras import KerasSession, Plan, keras
from modelwright.training.keras_callbacks import callback_state, pack
from modelwright.training.keras_state import read_state

EPOCHS = 10


def schedule(kind):
    if kind == "plateau":
        return 0.05
    return keras.optimizers.schedules.ExponentialDecay(0.02, decay_steps=9, decay_rate=0.9)


def callbacks(kind, folder):
    c = keras.callbacks
    if kind == "plateau":
        return [
            c.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=0.02),
            c.EarlyStopping("val_loss", patience=6, min_delta=0.001, restore_best_weights=True),
            c.CSVLogger(str(folder / "log.csv")),
            c.ModelCheckpoint(str(folder / "kept.weights.h5"), save_best_only=True, save_weights_only=True),
        ]
    if kind == "scheduler":
        return [c.LearningRateScheduler(lambda epoch, rate: rate * 0.8), c.EarlyStopping("val_accuracy", patience=20)]
    return [c.EarlyStopping("val_loss", patience=6), c.TerminateOnNaN()]


def session(kind, folder, accelerate=True):
    keras.utils.set_random_seed(21)
    model = keras.Sequential(
        [
            keras.layers.Input((6,)),
            keras.layers.Dense(12, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.4),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    rate = 0.05 if kind == "scheduler" else schedule(kind)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(4)
    x = rng.normal(size=(150, 6)).astype("float32")
    y = (np.abs(x).sum(1) + rng.normal(size=150)).astype("int32") % 3
    arguments = {"validation_split": 0.2, "batch_size": 16, "callbacks": callbacks(kind, folder)}
    plan = Plan(epochs=EPOCHS, fit_arguments=arguments, accelerate=accelerate)
    return KerasSession(model, (x, y), objectives=(Objective("val_loss", "min"),), plan=plan, seed=77)


def train(trial, folder, spans):
    """Train span after span, through a checkpoint each time; returns the last segment."""
    segment = None
    for first, last in spans:
        if first:
            trial.restore(folder / "trial.ckpt")
        segment = trial.train(first, last, lambda epoch, logs: "go")
        trial.save(folder / "trial.ckpt")
    return segment


def everything(trial):
    """All that a trial is, as arrays and text."""
    arrays = read_state(trial.model)
    arrays |= {f"best/{name}": a for name, a in (trial.progress.best_weights or {}).items()}
    callbacks_now = pack(callback_state(trial.callbacks), arrays, "callback")
    text = json.dumps([trial.progress.reports, trial.best_epoch, callbacks_now, trial.model.history.history])
    return {**arrays, "text": np.array(text)}


if __name__ == "__main__":
    kind, folder, out, *spans = sys.argv[1:]
    trial = session(kind, Path(folder))
    train(trial, Path(folder), [tuple(map(int, span.split("-"))) for span in spans])
    np.savez(out, **everything(trial))
