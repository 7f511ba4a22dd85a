"""The space: what may be built. Domains, conditions, constraints, candidates and their vectors.

Does not know what a trial is, how good a candidate is, or who searches.
"""

from modelwright.space.axis import Axis
from modelwright.space.constraints import Constraint, Forbid, Require
from modelwright.space.domain import (
    BooleanDomain,
    ChoiceDomain,
    Domain,
    FixedDomain,
    FloatDomain,
    IntDomain,
    domain_from_spec,
)
from modelwright.space.hyperparameters import HyperParameters
from modelwright.space.parameter import Condition, Parameter
from modelwright.space.tree import Tree

__all__ = [
    "Axis",
    "BooleanDomain",
    "ChoiceDomain",
    "Condition",
    "Constraint",
    "Domain",
    "FixedDomain",
    "FloatDomain",
    "Forbid",
    "HyperParameters",
    "IntDomain",
    "Parameter",
    "Require",
    "Tree",
    "domain_from_spec",
]
