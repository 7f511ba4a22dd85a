"""Where trials run: in the user's process, in local worker processes."""

from modelwright.execute.base import Executor
from modelwright.execute.serial import SerialExecutor

__all__ = ["Executor", "SerialExecutor"]
