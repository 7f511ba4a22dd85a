"""A plain function as the thing to be tuned: what it asks of ``hp`` is the space, what it returns is the value.

Learn here: conditional parameters, a study that goes on where it stopped, a function that reports while it runs so
that weak trials end early. No machine learning library is needed. Run: python examples/plain_function.py
"""

import math
import tempfile
from pathlib import Path

import modelwright as mw


def oven(hp):
    """How good a loaf is, from 0 to 100: a made-up oven with a fan that only counts when it is on."""
    heat = hp.Int("heat", 160, 260, step=5, default=200)
    minutes = hp.Float("minutes", 10, 90, sampling="log", default=30)
    crust = -(((heat - 225) / 30) ** 2) - math.log(minutes / 40) ** 2 * 4
    if hp.Boolean("fan"):
        with hp.conditional_scope("fan", [True]):
            speed = hp.Choice("speed", ["low", "high"])
        crust += 0.4 if speed == "low" else -0.2
    return 100 * math.exp(crust - 0.4)


def descent(hp, trial):
    """Gradient descent in a bent valley; reports its height after each step and stops when it is told to."""
    rate = hp.Float("rate", 1e-4, 1e-2, sampling="log")
    momentum = hp.Float("momentum", 0.0, 0.95)
    x, y, dx, dy = -1.0, 1.0, 0.0, 0.0
    for step in range(1, 101):
        slope_x, slope_y = -2 * (1 - x) - 40 * x * (y - x * x), 20 * (y - x * x)
        dx, dy = momentum * dx - rate * slope_x, momentum * dy - rate * slope_y
        x, y = x + dx, y + dy
        height = (1 - x) ** 2 + 10 * (y - x * x) ** 2
        if not math.isfinite(height) or height > 1e6:
            raise mw.InfeasibleError(f"rate {rate:.2g} with momentum {momentum:.2g} flies off")
        trial.report(step, height=height)
        if trial.should_stop():
            return


def main():
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "studies.db"
        mw.tune(oven, objective="maximize", trials=20, store=store, name="bread", verbose=0)
        # The same name goes on with the same search; trials= is the total.
        study = mw.tune(oven, objective="maximize", trials=40, store=store, name="bread", verbose=0)
        print(f"oven: {len(study.trials)} trials, best {study.best.value:.1f} with {study.best.config}")
        for trial in sorted(study.trials, key=lambda t: -t.value)[:3]:
            print(f"   trial {trial.number}: {trial.value:6.2f}  {trial.config}")

    study = mw.tune(
        descent, objective=mw.Minimize("height"), steps=100, trials=40, strategy="auto", store=":memory:", verbose=0
    )
    early = sum(trial.state == "pruned" for trial in study.trials)
    print(f"descent: lowest {study.best.value:.4f} with {study.best.config}; {early} of 40 trials ended early")


if __name__ == "__main__":
    main()
