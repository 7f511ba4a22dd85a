"""The engine: a pure state machine, the one loop that does input and output, resume."""

from modelwright.study.budget import Budget
from modelwright.study.journal import Journal
from modelwright.study.loop import Loop
from modelwright.study.machine import Machine, Setup
from modelwright.study.policy import EngineLeads, FailurePolicy, FirstAndRepeated, Proposer, StrategyLeads

__all__ = [
    "Budget",
    "EngineLeads",
    "FailurePolicy",
    "FirstAndRepeated",
    "Journal",
    "Loop",
    "Machine",
    "Proposer",
    "Setup",
    "StrategyLeads",
]
