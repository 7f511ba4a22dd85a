"""How good a configuration is, and what it cost to know."""

from modelwright.estimation.base import Estimation, Reporter

__all__ = ["Estimation", "Reporter"]
