"""Trackers: what a search does, told to other tools while it runs.

``base`` has the protocol, ``feed`` the thread of each tracker; ``mlflow`` and ``tensorboard`` are two of them. Others
are entry points of the group ``modelwright.trackers``.
"""

from modelwright.trackers.base import TrackedStudy, TrackedTrial, Tracker, resolve_trackers
from modelwright.trackers.mlflow import MLflow
from modelwright.trackers.tensorboard import TensorBoard

__all__ = ["MLflow", "TensorBoard", "TrackedStudy", "TrackedTrial", "Tracker", "resolve_trackers"]
