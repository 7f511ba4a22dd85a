"""Where trials run: in the user's process, in local worker processes, on a Ray cluster."""

from modelwright.execute.base import Executor
from modelwright.execute.ray import RayExecutor
from modelwright.execute.serial import SerialExecutor

__all__ = ["Executor", "RayExecutor", "SerialExecutor"]
