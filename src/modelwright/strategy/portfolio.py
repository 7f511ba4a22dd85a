"""auto: the declared defaults first, then Gaussian-process proposals under successive halving."""

from __future__ import annotations

from typing import ClassVar

from modelwright.strategy.asha import ASHA


class Auto(ASHA):
    """What to use when nothing is known.

    Trial 0 is the declared defaults, trained in full, so that there is a result to compare with. Further trials come
    from the Gaussian process over configuration and fidelity. Trials with steps are trained a part of the way first;
    of each rung the better ``1 / eta`` go on, as soon as they are known (see ``ASHA``). Trials that cannot pause run
    on, and are stopped at a rung instead.

    Args:
        steps: what full fidelity means in steps, or None for trials without steps.
        resumable: whether a paused trial goes on from a checkpoint.
        eta: one of ``eta`` trials passes a rung.
        depth: rungs below full fidelity.
    """

    name: ClassVar[str] = "auto"
    first_in_full: ClassVar[bool] = True

    def __init__(self, *, steps: int | None = None, resumable: bool = False, eta: float = 3.0, depth: int | None = 2):
        super().__init__(steps=steps, resumable=resumable, eta=eta, depth=depth, sampler="bayesian")
