"""A network for signals, in a space of one's own of ten lines.

Learn here: an nas.Architecture is a function that writes a network under decisions; any strategy searches it.
"""

import os

import numpy as np

import modelwright as mw

SMALL = bool(os.environ.get("MODELWRIGHT_SMALL"))


def listener(hp, x):
    width = hp.Choice("width", [8, 16, 32])
    for i in range(hp.Int("depth", 2, 4)):
        with hp.name_scope(f"layer{i}"):
            y = x.conv(width, hp.Choice("kernel", [3, 5, 9]), stride=2).batch_norm().relu()
            x = y + x.avg_pool(2).conv(width, 1) if hp.Boolean("skip") else y
    return x.global_avg_pool().dense(3)


def signals(rows, seed):
    """Sines, square waves and chirps with noise: 128 steps, one channel."""
    rng = np.random.default_rng(seed)
    t, y = np.linspace(0, 1, 128), np.arange(rows) % 3
    phase, speed = rng.uniform(0, 6.3, (rows, 1)), rng.uniform(20, 40, (rows, 1))
    sine = np.sin(speed * t + phase)
    waves = np.select([y[:, None] == 0, y[:, None] == 1], [sine, np.sign(sine)], np.sin(speed * t * (0.5 + t) + phase))
    return (waves + 0.4 * rng.normal(size=waves.shape))[..., None], y


def main():
    x, y = signals(300 if SMALL else 3000, 0)
    x_test, y_test = signals(500, 1)
    space = mw.nas.Architecture(listener, (128, 1))
    budget = {"trials": 3, "epochs": 2} if SMALL else {"seconds": 120, "workers": 2}
    study = mw.nas.search(space, x, y, strategy="evolution", store=":memory:", **budget)
    model = study.best_model()
    print(study.best.config)
    print(f"accuracy on new signals: {model.evaluate(x_test, y_test, verbose=0)[1]:.3f}")


if __name__ == "__main__":
    main()
