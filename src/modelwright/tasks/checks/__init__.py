"""Checks of a table: each passed, fixed, skipped or an alert, with what, where, how many and what undoes it."""

from modelwright.tasks.checks.alike import row_groups
from modelwright.tasks.checks.drift import drift
from modelwright.tasks.checks.record import Check, alerts_of, skipped
from modelwright.tasks.checks.run import COSTLY, LEAKS, NAMES, by_status, check

__all__ = ["COSTLY", "LEAKS", "NAMES", "Check", "alerts_of", "by_status", "check", "drift", "row_groups", "skipped"]
