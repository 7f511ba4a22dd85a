"""Memory of one long study: resident megabytes over many Keras trials of differing shapes in one process.

    python benchmarks/memory.py [--trials 200]

Prints the size at every twentieth trial and the slope in MB a trial over the last two thirds.
"""

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
import psutil

import modelwright as mw


def build(hp):
    layers = [
        keras.layers.Dense(hp.Int(f"units_{i}", 8, 256), activation="relu") for i in range(hp.Int("layers", 1, 3))
    ]
    model = keras.Sequential([keras.layers.Input((64,)), *layers, keras.layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Size(keras.callbacks.Callback):
    """Writes down how much memory the process holds when a trial ends."""

    seen = []

    def on_train_end(self, logs=None):
        Size.seen.append(psutil.Process().memory_info().rss / 1e6)

    def __deepcopy__(self, memo):
        return self


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2000, 64)).astype("float32"), rng.integers(0, 10, 2000)
    mw.tune(
        build, x, y, objective="val_loss", validation_split=0.2, epochs=1, trials=args.trials, strategy="random",
        store=":memory:", verbose=0, callbacks=[Size()],
    )  # fmt: skip
    sizes = np.array(Size.seen)
    for i in range(0, len(sizes), 20):
        print(f"trial {i:4d}: {sizes[i]:7.0f} MB")
    tail = np.arange(len(sizes) // 3, len(sizes))
    print(f"slope over the last two thirds: {np.polyfit(tail, sizes[tail], 1)[0]:.3f} MB a trial")


if __name__ == "__main__":
    main()
