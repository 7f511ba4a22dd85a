"""What a search says of operations that are not what they say, of limits on what was trained, and of ensembles."""

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.api.keeping import artifacts_of
from modelwright.core.errors import SpaceError, StudyError

keras = pytest.importorskip("keras")


def data(rows=120):
    x = np.random.default_rng(0).normal(size=(rows, 8, 8, 3))
    return x, (x[:, :, :, 0].mean(axis=(1, 2)) > 0).astype(int)


def searched(last=None, **options):
    def define(hp, x):
        x = x.conv(hp.Choice("filters", [4, 6, 8]), 3)
        return (x if last is None else x.apply(last)).relu().global_avg_pool().dense(2)

    options = {"trials": 4, "epochs": 1, "store": ":memory:", "verbose": 0, **options}
    return mw.nas.search(nas.Architecture(define, (8, 8, 3)), *data(), **options)


def registered(name, shape):
    layer = lambda shapes, attributes, name: keras.layers.Conv2D(7, 3, name=name)  # noqa: E731
    nas.register(nas.Operation(name=name, shape=shape, layer=layer))


def test_an_operation_whose_layer_is_not_what_its_shape_says_is_named():
    registered("not_what_it_says", lambda shapes, attributes: shapes[0])
    with pytest.raises(SpaceError, match=r"not_what_it_says.*\n?.*puts out"):
        searched("not_what_it_says")


def test_a_shape_that_raises_is_told_with_the_operation():
    registered("raises", lambda shapes, attributes: (shapes[0][5],))
    with pytest.raises(SpaceError, match="'raises'.*IndexError"):
        searched("raises")


def test_no_network_that_breaks_a_limit_on_what_was_trained_is_returned():
    study = searched(constraints=["val_loss <= 1e-9"])
    with pytest.raises(StudyError, match="the closest is trial .*val_loss is"):
        study.best_model()


def test_an_ensemble_that_breaks_what_its_members_keep_says_so():
    least = nas.trace(lambda x: x.conv(4, 3).relu().global_avg_pool().dense(2), (8, 8, 3)).cost.parameters
    study = searched(constraints=[f"params <= {3 * least}"], epochs=3)
    rows = [row for row in study._machine.history.rows if row.fidelity >= 0.3]
    whole = {row.number: row.metrics["params"] for row in rows}
    assert len(whole) > 2 and max(whole.values()) <= 3 * least
    import modelwright.api.ensembles as ensembles

    with pytest.warns(UserWarning, match="all together do not: params is"):
        ensembles._say_what_is_broken(study, rows)


def test_a_network_whose_training_diverged_is_infeasible_and_says_what_it_took():
    study = searched(trials=2, plan=None, strategy="random", training=lambda hp: {"rate": hp.Choice("rate", [1e30])})
    rows = study._machine.history.rows
    assert [row.state for row in rows] == ["infeasible", "infeasible"]
    assert all(row.facts["cpu_seconds"] > 0 for row in rows)


@pytest.mark.parametrize("constraints", [(), ("val_accuracy >= 0.01",)])
def test_a_network_whose_training_diverged_is_not_the_best_where_the_objective_is_a_cost(constraints):
    options = {"plan": None, "strategy": "grid", "objective": "params", "constraints": constraints, "trials": 6}
    study = searched(**options, training=lambda hp: {"rate": hp.Choice("rate", [1e30, 1e-3]), "optimizer": "sgd"})
    states = {(trial.config["rate"], trial.state) for trial in study.trials}
    assert states == {(1e30, "infeasible"), (1e-3, "complete")}
    assert {trial.error.kind for trial in study.trials if trial.error} == {"nan"}
    assert study.best.config == {"filters": 4, "rate": 1e-3} and np.isfinite(study.best.metrics["val_loss"])
    only = searched(**options, training=lambda hp: {"rate": hp.Choice("rate", [1e30]), "optimizer": "sgd"})
    assert {trial.state for trial in only.trials} == {"infeasible"}
    with pytest.raises(StudyError, match="not finite"):
        only.best_model()


@pytest.mark.parametrize(
    ("training", "rate"),
    [
        (lambda hp: {"rate": hp.Float("rate", 1e-4, 1e-2)}, 3e-3),
        (lambda hp: {"rate": hp.Float("rate", 1e-4, 1e-2, default=5e-3)}, 5e-3),
        (lambda hp: {"rate": hp.Float("rate", 1e-2, 1e-1)}, 1e-2),
        (lambda hp: {"rate": hp.Choice("rate", [1e-3, 3e-3, 1e-2])}, 3e-3),
    ],
)
def test_the_anchor_is_trained_as_the_recipe_says_where_its_fields_are_searched(training, rate):
    study = searched(trials=1, training=training)
    assert study.trials[0].config["rate"] == rate


def test_the_winner_is_trained_anew_on_all_rows():
    study = searched(trials=2, epochs=40)
    model = study.refit(seed=3)
    x, y = data()
    assert (model.predict(x, verbose=0).argmax(axis=1) == y).mean() > 0.8
    kept = study._settings.estimation.job.data.kept
    assert model.count_params() == study.best_model().count_params()
    assert not np.allclose(model.predict(x[kept], verbose=0), study.best_model().predict(x[kept], verbose=0))


def test_an_ensemble_has_no_network_that_was_trained_on_the_rows_that_choose_its_weights():
    """Models of the five best stay; a sixth would have to be trained anew, on all rows."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)), np.arange(60) % 2

    def define(hp, x):
        return x.dense(hp.Choice("units", [2, 3, 4, 5, 6, 7, 8, 9])).relu().dense(2)

    study = mw.nas.search(
        nas.Architecture(define, (3,)), x, y, plan=None, strategy="random", trials=7, epochs=1, store=":memory:",
        verbose=0,
    )  # fmt: skip
    study._settings.estimation.refit = None  # nothing may be trained
    with pytest.warns(UserWarning, match="2 of the best 7 networks are left out of the ensemble, which has 5"):
        study.ensemble(7)
    artifacts = artifacts_of(study._store, study._record)
    kept = [row.artifacts["model"] for row in study._machine.history.rows]
    for one in [one for one in kept if artifacts.holds(one)][1:]:
        artifacts.remove(one.path)
    with pytest.raises(StudyError, match="1 model of its 7 networks .* is still there"):
        study.ensemble(2)
