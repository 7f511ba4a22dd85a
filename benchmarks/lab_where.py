"""Where the time of one drop-in search goes: steady epochs, first epochs of each stretch, the rest.

    MODELWRIGHT_DATA=... python benchmarks/lab_where.py [SEED]

Runs the arm ``dropin`` of lab_arm.py in this process. Give an empty MODELWRIGHT_CACHE for a cold compilation cache.
"""

import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from lab_arm import by_tuner, keras, load

ROWS, CHECKED = 48_000, 12_000


class Epochs(keras.callbacks.Callback):
    """Appends units and seconds of every epoch to a file; a callback is copied for each trial."""

    def __init__(self, path):
        super().__init__()
        self.path, self.since = path, 0.0

    def on_train_begin(self, logs=None):
        self.since = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        now = time.perf_counter()
        with open(self.path, "a") as file:
            file.write(f"{self.model.layers[1].units} {now - self.since}\n")
        self.since = now


def products(units):
    """Operations of an epoch's matrix products: forward and both gradients but that of the input, then validation."""
    return 4 * 784 * units * ROWS + 6 * 10 * units * ROWS + 2 * 794 * units * CHECKED


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    x, y = load(ROWS + CHECKED)
    with tempfile.TemporaryDirectory() as folder:
        log = str(Path(folder) / "epochs.txt")
        callbacks = [keras.callbacks.EarlyStopping(monitor="val_loss", patience=5), Epochs(log)]
        began, trials = by_tuner("dropin", seed, 10, x, y, callbacks, folder)
        whole = time.time() - began
        rows = [(int(units), float(seconds)) for units, seconds in map(str.split, Path(log).read_text().splitlines())]
    pace = defaultdict(lambda: float("inf"))
    for units, seconds in rows:
        pace[units] = min(pace[units], seconds)
    steady, all_of_them = sum(pace[units] for units, _ in rows), sum(seconds for _, seconds in rows)
    print(f"{trials} trials, {len(rows)} epochs, {whole:.1f} s")
    print(f"  {steady:6.1f} s  epochs at the pace of the fastest of their width")
    print(f"  {all_of_them - steady:6.1f} s  what first epochs took longer (compiling), and noise")
    print(f"  {whole - all_of_them:6.1f} s  building, checkpoints, the engine")
    print(f"  {sum(products(units) for units, _ in rows) / 1e12:6.2f} TFLOP of matrix products")


if __name__ == "__main__":
    main()
