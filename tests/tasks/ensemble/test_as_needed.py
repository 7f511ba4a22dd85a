"""What is deployed of a mean that has little weight: a part of it, and its size is that of the part."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from modelwright.store.artifacts import Artifacts
from modelwright.tasks import learners
from modelwright.tasks.ensemble.assembly import Made
from modelwright.tasks.ensemble.members import Member, save_member
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.search.finishing import _as_needed

pytest.importorskip("lightgbm")


def test_the_size_of_a_forest_is_that_of_the_trees_that_are_deployed(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3)).astype(np.float32)
    matrix = Matrix(values=x, names=("a", "b", "c"), sources=(("a",), ("b",), ("c",)), categorical=())
    forest = learners.learner("random_forest")
    model = forest.fit(matrix, x[:, 0] + rng.normal(size=400), "regression", config={}, rounds=120)
    features: Any = SimpleNamespace(state=lambda: ({}, {}))
    session: Any = SimpleNamespace(learners={"random_forest": forest})
    files = Artifacts(tmp_path)

    def size(part, name):
        return files.keep("1", name, lambda sink: save_member(sink, part)).size

    whole = Member("random_forest", {}, features, model)
    made = Made(trial=1, name="random_forest 1", parts=(whole, whole), whole=False, bytes=2 * size(whole, "whole"))
    thin = _as_needed(made, 0.1, session)
    assert thin.parts[0].model.facts["rounds"] == 24
    assert thin.bytes == pytest.approx(2 * size(thin.parts[0], "thin"), abs=100)
    assert thin.bytes < 0.3 * made.bytes
