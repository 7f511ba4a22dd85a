"""Templates: spaces that wait for their data. Knows what inputs can be; not what is written on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.nas.architecture import Architecture
from modelwright.nas.inputs import check_outputs, check_shapes
from modelwright.nas.operations import Shape


class Template:
    """A space that is whole but for the shapes of its inputs and the number of its outputs.

    Args:
        define: ``define(shapes, outputs)`` returns what an ``Architecture`` takes, or raises ``SpaceError``.
        name: for people.
        shapes: those of the inputs, where they are known already.
        outputs: their number, where it is known already.

    >>> from modelwright import nas
    >>> nas.chain().bind((28, 28, 1), outputs=10)
    Architecture(chain, (28, 28, 1), 48 decisions)
    """

    def __init__(
        self,
        define: Callable[[tuple[Shape, ...], int], Any],
        name: str,
        *,
        shapes: Sequence[Shape] | None = None,
        outputs: int | None = None,
    ):
        self.define, self.name = define, name
        self.shapes = None if shapes is None else tuple(tuple(shape) for shape in shapes)
        self.outputs = outputs

    def bind(self, *shapes: Shape, outputs: int | None = None) -> Architecture:
        """The space for inputs of these shapes.

        Args:
            shapes: of each input for one example, channels last; may be left out where the template has them.
            outputs: classes, or numbers to predict; may be left out where the template has it, and is 10 elsewhere.

        Raises:
            SpaceError: they are no shapes, or not those that the template was made for; or nothing fits them.
        """
        where = f"nas.{self.name}"
        found = check_shapes(shapes or self.shapes or (), where)
        if self.shapes is not None and found != self.shapes:
            raise SpaceError(f"its inputs are {found}", where=where, allowed=f"{self.shapes}, which it was made for")
        if self.outputs is not None and outputs not in (None, self.outputs):
            raise SpaceError(f"{outputs} outputs", where=where, allowed=f"{self.outputs}, which it was made for")
        number = check_outputs(self.outputs or outputs or 10, where)
        define = self.define(found, number)
        sketch, levels = getattr(define, "sketch", None), getattr(define, "levels", ())
        return Architecture(define, *found, name=self.name, sketch=sketch, levels=levels)

    def __repr__(self) -> str:
        known = [f"shapes={self.shapes}"] * (self.shapes is not None) + [f"outputs={self.outputs}"] * bool(self.outputs)
        return f"Template({', '.join([self.name, *known])})"


def ready(template: Template, shape: Any, classes: int | None) -> Architecture | Template:
    """The space where both are known, a template where one is missing.

    Args:
        shape: a shape, several, or None.
    """
    several = isinstance(shape, (list, tuple)) and bool(shape) and all(isinstance(s, (list, tuple)) for s in shape)
    shapes = None if shape is None else check_shapes(shape if several else (shape,), f"nas.{template.name}")
    if classes is not None:
        check_outputs(classes, f"nas.{template.name}")
    found = Template(template.define, template.name, shapes=shapes, outputs=classes)
    return found if shapes is None or classes is None else found.bind()
