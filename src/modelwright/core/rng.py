"""Seeds as a tree: every use of chance has a path of names, and the path alone decides the numbers.

No global generator is read or written anywhere in Modelwright outside the training of a user's model.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Seed:
    """A place in the tree of seeds.

    >>> a, b = Seed(0).child("ask", 7), Seed(0).child("ask", 7)
    >>> a.generator().integers(1000) == b.generator().integers(1000)
    np.True_
    >>> Seed(0).child("ask", 8).integer() == a.integer()
    False
    """

    root: int
    path: tuple[str | int, ...] = ()

    def child(self, *names: str | int) -> Seed:
        """The seed at ``names`` below this one."""
        return Seed(self.root, self.path + names)

    def trial(self, number: int) -> Seed:
        """The seed of a trial, from the root: what chance decides in it does not depend on who asks, or when."""
        return Seed(Seed(self.root).child("trial", number).integer())

    @property
    def draws(self) -> Seed:
        """Below a trial's seed: each parameter that its proposal does not cover is drawn from the child by its name."""
        return self.child("draw")

    def _words(self) -> list[int]:
        text = "\x1f".join([str(self.root), *(f"{type(p).__name__[0]}{p}" for p in self.path)])
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        return [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]

    def generator(self) -> np.random.Generator:
        """A fresh numpy generator; the same path gives the same stream."""
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self._words())))

    def integer(self, bits: int = 31) -> int:
        """An integer in [0, 2**bits), for libraries that want one."""
        words = self._words()
        return (words[0] | words[1] << 32) % (1 << bits)
