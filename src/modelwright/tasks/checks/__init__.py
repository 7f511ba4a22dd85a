"""Checks of a table before training: each passed, fixed or an alert, with what, where, how many and what undoes it."""

from modelwright.tasks.checks.alike import row_groups
from modelwright.tasks.checks.drift import drift
from modelwright.tasks.checks.record import Check
from modelwright.tasks.checks.run import NAMES, check

__all__ = ["NAMES", "Check", "check", "drift", "row_groups"]
