"""What a finish leaves: the better weights of those before it, on its way and at its end; and what it does not need."""

import signal
import time

import numpy as np
import pytest
from planned import Run

import modelwright as mw
from modelwright import nas
from modelwright.core.clock import counting_from
from modelwright.core.objective import Objective
from modelwright.nas import train, watched, weights
from modelwright.nas.dataset import dataset
from modelwright.nas.finished import Finish
from modelwright.nas.ladder import ENOUGH, ladder
from modelwright.nas.plan import Plan
from modelwright.nas.train import Recipe, Trainer
from modelwright.strategy.random import Random

keras = pytest.importorskip("keras")


def points(rows=300):
    x = np.random.default_rng(0).normal(size=(rows, 4))
    return x, (x[:, 0] * x[:, 1] > 0).astype(int)


# --- which weights stay ----------------------------------------------------------------------------


@pytest.fixture
def trainer():
    model = nas.build(nas.trace(lambda x: x.dense(16).relu().dense(2), (4,)), seed=1)
    return Trainer(model, dataset(*points()), Recipe(batch=32))


def zeros(like):
    return {layer: {name: value * 0 for name, value in held.items()} for layer, held in like.items()}


@pytest.mark.parametrize("name", ["val_accuracy", "val_loss"])
def test_weights_on_the_way_stay_where_those_at_the_end_are_worse(trainer, name):
    made = Objective(name, "max" if name == "val_accuracy" else "min")
    learned = weights.read(trainer.model)
    finish = Finish(made, trainer, learned, trainer.judge())
    trainer.fit(60, 0, lambda done, loss: True)
    trainer.steps.settle()
    good = weights.read(trainer.model)
    finish.seen(0.5, trainer.watch())
    spoiled = zeros(good)
    trainer.steps.settle()
    weights.write(trainer.model, spoiled)
    (found, metrics), fact = finish.best((spoiled, trainer.judge()))
    assert fact["kept"] == "within" and fact["at"] == 0.5 and fact["within"] == metrics[name]
    assert made.better(fact["within"], fact["before"]) and made.better(fact["within"], fact["after"])
    assert all(np.array_equal(found[a][b], good[a][b]) for a in good for b in good[a])


def test_weights_on_the_way_that_are_better_by_chance_do_not_stay(trainer):
    learned = weights.read(trainer.model)
    trainer.fit(60, 0, lambda done, loss: True)
    trainer.steps.settle()
    end, worth = weights.read(trainer.model), trainer.judge()
    finish = Finish(Objective("val_accuracy", "max"), trainer, learned, {"val_accuracy": 0.1})
    finish.seen(0.5, {"val_accuracy": worth["val_accuracy"] + 0.01})
    (found, _), fact = finish.best((end, worth))
    assert fact["kept"] == "after" and found is end


@pytest.fixture
def numbers():
    x = np.random.default_rng(0).normal(size=(900, 4))
    y = 3.0 + 2.0 * x[:, 0] + np.random.default_rng(1).normal(size=900)
    made = Trainer(nas.build(nas.trace(lambda x: x.dense(1), (4,)), seed=1), dataset(x, y), Recipe(batch=32))
    made.fit(60, 0, lambda done, loss: True)
    return made


def written(trainer, found):
    """Have it the weights, and say what they are worth."""
    trainer.steps.settle()
    weights.write(trainer.model, found)
    return trainer.judge()


@pytest.mark.parametrize(("name", "sign"), [("val_mse", -1), ("val_loss", -1), ("val_mae", -1), ("val_r2", 1)])
@pytest.mark.parametrize(("off", "kept"), [(0.002, "after"), (0.5, "within")])
def test_weights_on_the_way_have_to_be_better_than_chance_makes_them_by_any_measure(numbers, name, sign, off, kept):
    """Those at the end predict a little too much for each row, which hardly any row tells from what they did before."""
    numbers.steps.settle()
    good, worth = weights.read(numbers.model), numbers.judge()
    layer = next(layer for layer in good if "bias" in good[layer])
    ends = [{**good, layer: {**good[layer], "bias": good[layer]["bias"] + by}} for by in (off, -off)]
    after, end = min(((written(numbers, end), end) for end in ends), key=lambda pair: sign * pair[0][name])
    assert worth["val_mse"] < 2 and sign * (worth[name] - after[name]) > 0
    finish = Finish(Objective(name, "max" if sign > 0 else "min"), numbers, zeros(good), {name: -sign * 100.0})
    finish.seen(0.5, written(numbers, good))
    written(numbers, end)
    _, fact = finish.best((end, after))
    assert fact["kept"] == kept and fact["within"] == pytest.approx(worth[name])


def test_a_finish_that_diverged_leaves_the_best_on_its_way(trainer):
    learned = weights.read(trainer.model)
    finish = Finish(Objective("val_accuracy", "max"), trainer, learned, trainer.judge())
    trainer.fit(60, 0, lambda done, loss: True)
    finish.seen(0.5, {**trainer.watch(), "loss": 0.25})
    (_, metrics), fact = finish.best((learned, {"val_loss": float("nan")}))
    assert fact["kept"] == "within" and "after" not in fact and metrics["val_accuracy"] > 0.6
    assert metrics["loss"] == 0.25


# --- what it does not need -------------------------------------------------------------------------


def quick(seconds, slow=(), **options):
    """A search in which an epoch takes a twentieth of a second, of some networks a second."""
    made = ladder(2500, None, batch=32)
    plan = Plan(made, race=Random(), inherit=False, seconds=seconds, **options)
    run = Run(plan, lambda number, _: 0.9 if number in slow else 0.8)

    def spent(row, _):
        return {"train": (1.0 if row.number in slow else 0.05) * made.at(row.target).epochs, "start": 3.0}

    run.spent = spent
    return run, plan


def test_time_that_the_finish_does_not_need_is_the_races():
    run, plan = quick(200.0, kept=9000)
    run.all()
    ends = plan.ends(run.history)
    assert ends == pytest.approx((200 - ENOUGH * 0.05 - 3 - 0.07 * 200, 200 - ENOUGH * 0.05 - 3))
    # No race ends for bringing no more where nothing else has a use for its time.
    assert ends[0] - 10 < run.at <= ends[1] + 4 and len(run.history.rows) > 20


@pytest.mark.parametrize("slow", [{0}, {2}])
def test_where_a_leader_is_slow_the_finish_has_its_share(slow):
    run, plan = quick(200.0, slow)
    run.all()
    assert plan.time.spare(run.history) is None and plan.ends(run.history)[1] < 60


def test_rows_that_are_no_images_are_not_seen_more_often_than_is_of_use(trainer, monkeypatch):
    monkeypatch.setattr(train, "ENOUGH", 20)
    rates = []
    step = trainer.steps.train
    trainer.steps.train = lambda x, y, w, rate: (rates.append(rate), step(x, y, w, rate))[1]
    assert trainer.fit(1, 0, lambda done, loss: True, seconds=60.0).cost == pytest.approx(20, rel=0.1)
    assert rates[-1] < 0.1 * max(rates)


# --- when the user has seen enough -----------------------------------------------------------------


def small(hp, x):
    return x.dense(hp.Choice("units", [8, 16, 32])).relu().dense(2)


def test_the_first_interrupt_ends_a_finish_early_and_well(monkeypatch, capsys):
    rates, fit = [], Trainer.fit

    def interrupted(self, epochs, seed, on_epoch, **options):
        train = self.steps.train

        def step(x, y, weight, rate):
            if epochs == 5000:
                rates.append(rate)
                if len(rates) == 100:
                    signal.raise_signal(signal.SIGINT)
            return train(x, y, weight, rate)

        self.steps.train = step
        return fit(self, epochs, seed, on_epoch, **options)

    monkeypatch.setattr(Trainer, "fit", interrupted)
    monkeypatch.setattr(watched, "_ASKED", 0.0)
    space = nas.Architecture(small, (4,))
    study = mw.nas.search(space, *points(), trials=1, epochs=5000, store=":memory:")
    row = study.best._row
    assert study.stopped == "the plan is carried out; its finish was ended early"
    assert row.state == "complete" and row.facts["epochs"] < 2500
    assert len(rates) > 100 and rates[-1] < 0.1 * max(rates)
    assert row.facts["finish"]["kept"] in ("before", "within", "after") and row.facts["ended early"] < 0.2
    assert "ended early, after" in study.explain()
    said = capsys.readouterr().err
    assert "the training of trial 0 ends early" in said and "the best network so far (val_accuracy=0." in said
    # A question leaves no trace.
    assert all(metrics for _, metrics in row.reports)


def test_weights_that_a_finish_did_not_improve_keep_their_training_loss_and_the_limits_on_it(monkeypatch):
    monkeypatch.setattr(Finish, "_worse", lambda self, value, than: True)
    space = nas.Architecture(small, (4,))
    options = {"trials": 1, "epochs": 4, "store": ":memory:", "verbose": 0}
    study = mw.nas.search(space, *points(), constraints=["loss <= 100"], **options)
    row = study.best._row
    assert row.facts["finish"]["kept"] == "before" and (row.state, row.fidelity) == ("complete", 1.0)
    confirmed = next(metrics for step, metrics in row.reports if step == 300)
    assert row.metrics["loss"] == pytest.approx(confirmed["loss"])


def test_seconds_count_from_when_a_command_began():
    with counting_from(time.monotonic() - 50):
        space = nas.Architecture(small, (4,))
        study = mw.nas.search(space, *points(), plan=None, strategy="random", trials=1, seconds=51, epochs=1, verbose=0,
                              store=":memory:")  # fmt: skip
    assert study.elapsed > 50
