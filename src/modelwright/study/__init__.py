"""The engine: a pure state machine, the one loop that does input and output, resume."""

from modelwright.study.budget import Budget
from modelwright.study.loop import Journal, Loop
from modelwright.study.machine import Machine, Setup

__all__ = ["Budget", "Journal", "Loop", "Machine", "Setup"]
