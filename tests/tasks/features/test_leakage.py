"""No step lets a row's own target come back as a feature, and no learner finds anything in chance."""

import numpy as np
import pytest

from modelwright.tasks import learners
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features import Recipe
from modelwright.tasks.features.categories import Codes, Counts, Hashed, OneHot
from modelwright.tasks.features.groups import CrossedMeans, GroupMeans
from modelwright.tasks.features.interactions import Pairs
from modelwright.tasks.features.numbers import Numbers
from modelwright.tasks.features.reduction import Components
from modelwright.tasks.features.scaling import Scaled
from modelwright.tasks.features.selection import Selected
from modelwright.tasks.features.target_means import TargetMeans
from modelwright.tasks.learners.judged import merit

ROWS = 5000
NUMBERS = ("x", "z")
STEPS = {
    "codes": (Codes(("many",), most=1000),),
    "one hot": (OneHot(("many",), most=300),),
    "counts": (Counts(("many",)),),
    "hashed": (Hashed(("many",)),),
    "target means": (TargetMeans(("many",), smoothing=1.0),),
    "crossed means": (CrossedMeans(("many", "few"), smoothing=1.0), Numbers(NUMBERS)),
    "group means": (GroupMeans(("many", "few"), NUMBERS), Numbers(NUMBERS)),
    "pairs": (Pairs(NUMBERS), Numbers(NUMBERS)),
    "scaled": (TargetMeans(("many",)), Scaled()),
    "components": (TargetMeans(("many",)), Numbers(NUMBERS), Components(2)),
    "selected": (TargetMeans(("many",)), Numbers(NUMBERS), Selected("probes")),
}
#: All decisions at once that make more features.
RICH = {"pairs": 12, "groups": True, "crosses": True, "components": 5}
QUICK = {
    "lightgbm": {"learning_rate": 0.1},
    "xgboost": {"learning_rate": 0.2},
    "catboost": {"learning_rate": 0.2},
    "random_forest": {"trees": 24},
    "extra_trees": {"trees": 24},
    "mlp": {"epochs": 3, "width": 32},
}


def chance(seed=0):
    """A column of 1,000 levels, two numbers, and a target that has nothing to do with them."""
    rng = np.random.default_rng(seed)
    many = rng.integers(0, 1000, ROWS).astype(np.int32)
    spelled = np.empty(ROWS, object)
    spelled[:] = [f"the level {code}" for code in many]
    frame = Frame(
        ROWS,
        {"x": rng.normal(size=ROWS), "z": np.exp(rng.normal(size=ROWS))},
        {"many": many, "few": rng.integers(0, 3, ROWS).astype(np.int32)},
        kinds={"x": "number", "z": "number", "many": "category", "few": "category"},
        levels={"many": tuple(f"the level {k}" for k in range(1000)), "few": ("a", "b", "c")},
        spellings={"many": spelled},
    )
    return frame, rng.integers(0, 2, ROWS)


def out_of_fold(learner, recipe, config, folds=3, **more):
    """The area under the ROC curve of predictions for rows that features and model were not fitted on."""
    frame, y = chance()
    place = np.random.default_rng(5).permutation(ROWS) % folds
    found = np.empty(ROWS)
    for fold in range(folds):
        on, off = np.flatnonzero(place != fold), np.flatnonzero(place == fold)
        fitted, matrix = recipe.fit(frame.take(on), y[on], "binary", seed=1)
        model = learner.fit(matrix, y[on], "binary", config=config, seed=1, **more)
        found[off] = model.predict(fitted.transform(frame.take(off)))[:, 1]
    return merit(y, np.column_stack([1 - found, found]), None, "roc_auc")


@pytest.mark.parametrize("step", STEPS)
def test_each_step_finds_nothing_in_chance(step):
    pytest.importorskip("lightgbm")
    area = out_of_fold(learners.learner("lightgbm"), Recipe(STEPS[step]), {}, rounds=30)
    assert abs(area - 0.5) < 0.03


@pytest.mark.parametrize("name", learners.names())
def test_each_learner_finds_nothing_in_chance(name):
    pytest.importorskip("lightgbm")
    pytest.importorskip("xgboost")
    learner = learners.learner(name)
    if "binary" not in learner.tasks:
        pytest.skip("no learner of classes")
    frame, _ = chance()
    config = {**RICH, **QUICK.get(name, {})}
    rounds = None if name in ("random_forest", "extra_trees", "mlp") else 12
    assert abs(out_of_fold(learner, learner.features(frame, config), config, rounds=rounds) - 0.5) < 0.03


@pytest.mark.parametrize("step", ["target means", "crossed means", "scaled"])
def test_a_rows_features_do_not_depend_on_its_own_target(step):
    frame, y = chance()
    if step == "crossed means":  # so that there is a pair to be chosen
        y = ((frame.codes["many"] % 2) ^ (frame.codes["few"] == 1)).astype(int)
    recipe = Recipe(STEPS[step])
    before = recipe.fit(frame, y, "binary", seed=1)[1]
    for row in (0, 77, 4321):
        changed = y.copy()
        changed[row] = 1 - y[row]
        after = recipe.fit(frame, changed, "binary", seed=1)[1]
        assert after.names == before.names
        if step == "scaled":  # the scale is of all rows: it moves a little, for all of them alike
            assert np.allclose(before.values[row], after.values[row], atol=0.02)
        else:
            assert np.array_equal(before.values[row], after.values[row])
            assert not np.array_equal(before.values, after.values)
