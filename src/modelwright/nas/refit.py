"""A network that was found, trained anew on all rows, those included that it was judged by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core.errors import StudyError
from modelwright.core.records import Config
from modelwright.core.rng import Seed
from modelwright.nas import weights
from modelwright.nas.build import build
from modelwright.nas.canonical import pruned
from modelwright.nas.dataset import Dataset
from modelwright.nas.graph import Graph
from modelwright.nas.keras_settings import in_32_bits
from modelwright.nas.morph import inherit
from modelwright.nas.train import Trainer
from modelwright.space import HyperParameters

if TYPE_CHECKING:
    from modelwright.nas.job import Job


def trained_on_all(job: Job, config: Config, *, epochs: float, seed: int) -> Any:
    """The network of a configuration as it is handed out, after ``epochs`` passes through all rows.

    Nothing is left to judge it by. Inputs are scaled as in the search.

    Raises:
        StudyError: the loss did not stay finite.
    """
    graph = pruned(job.space.graph(config))
    order = np.random.default_rng(seed % (1 << 32)).permutation(len(job.data.y))
    data = replace(job.data, chosen=order, _small={})
    trainer = begun(job, config, graph, data, seed)
    trained = trainer.fit(epochs, seed % (1 << 32), lambda done, loss: True, going_on=job.space.origin is not None)
    if not trained.finite:
        raise StudyError(
            "training on all rows ended with a loss that is not finite",
            where="refit",
            hint="Try another seed=, or use study.best_model().",
        )
    trainer.steps.settle()
    return job.deployed(graph, weights.read(trainer.model))


def begun(job: Job, config: Config, graph: Graph, data: Dataset, seed: int) -> Trainer:
    """A network before its training, by the recipe of a configuration; one of a space around a trained network has what
    that one had learned."""
    recipe = job.recipe
    if job.training is not None:
        recipe = recipe.changed(job.training(HyperParameters.bind(config)))
    with in_32_bits():
        model = build(graph, seed=Seed(seed).child("weights").integer() % (1 << 32))
    origin = job.space.origin
    if origin is not None:
        weights.write(model, inherit(pruned(origin.graph), origin.weights, graph, seed=seed % (1 << 32)).weights)
    return Trainer(model, data, recipe, job.class_weight)
