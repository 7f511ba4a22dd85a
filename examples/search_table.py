"""A network for a table, whose architecture and training are searched together.

Learn here: nas.tabular, numbers to be predicted, and hyperparameters of the training beside the architecture.
"""

import os

import numpy as np

import modelwright as mw

SMALL = bool(os.environ.get("MODELWRIGHT_SMALL"))


def training(hp):
    return {
        "rate": hp.Float("rate", 1e-3, 2e-2, sampling="log"),
        "decay": hp.Float("decay", 1e-5, 1e-2, sampling="log"),
    }


def main():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400 if SMALL else 4000, 8))
    y = 10 * np.sin(2 * x[:, 0]) * x[:, 1] + 5 * (x[:, 2] > 0) + rng.normal(size=len(x))
    rows = len(x) * 4 // 5
    budget = {"trials": 3, "epochs": 2} if SMALL else {"seconds": 120, "workers": 2}
    study = mw.nas.search(mw.nas.tabular(), x[:rows], y[:rows], training=training, store=":memory:", **budget)
    error = study.best_model().predict(x[rows:], verbose=0)[:, 0] - y[rows:]
    print({name: study.best.config[name] for name in ("rate", "decay")})
    print(f"share of the variance explained on new rows: {1 - error.var() / y[rows:].var():.3f}")


if __name__ == "__main__":
    main()
