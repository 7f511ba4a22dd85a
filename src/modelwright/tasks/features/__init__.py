"""Features: from typed columns to the matrix a learner takes. Does not know which learner that is."""

from __future__ import annotations

from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.features.recipe import Fitted, Recipe

__all__ = ["Fitted", "Matrix", "Recipe"]
