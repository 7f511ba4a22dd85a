"""What a tree learned from configurations that ran, as plain values and back. Knows no parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from modelwright.space.hints import Evidence, Hint


class Learning:
    """The part of a tree that can be put away and recalled."""

    parameters: tuple[Any, ...]
    constraints: tuple[Any, ...]
    version: int
    hints: dict[str, Hint]
    _evidence: Evidence

    def learned(self) -> dict[str, Any]:
        """What configurations that ran have taught, as plain values, for ``recall``."""
        return {"hints": {name: hint.plain() for name, hint in self.hints.items()}, "seen": self._evidence.plain()}

    def recall(self, learned: Mapping[str, Any]) -> Self:
        """This tree with what another one with these parameters has ``learned``.

        >>> from modelwright.space.tree import Tree
        >>> tree = Tree(); tree.recall(tree.learned()).learned() == tree.learned()
        True
        """
        made = self._made(self.parameters, self.constraints)
        made.version, made._evidence = self.version + 1, Evidence.of(learned["seen"])
        made.hints = {name: Hint.of(hint) for name, hint in learned["hints"].items()}
        made._compile()
        return made

    def _made(self, parameters: tuple[Any, ...], constraints: tuple[Any, ...]) -> Self:
        """A tree of the same kind with these parameters."""
        return type(self)(parameters, constraints)  # type: ignore[call-arg]

    def _compile(self) -> None:
        """Bring what follows from parameters and hints up to date."""
        raise NotImplementedError
