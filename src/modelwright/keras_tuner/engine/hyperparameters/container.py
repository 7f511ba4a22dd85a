"""``HyperParameters``: a search space and the values of one point of it, in one object.

A hyperparameter is known by its name together with its conditions; the first declaration wins. Values of
hyperparameters that are not active are never kept, so nobody can rely on them.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from modelwright.keras_tuner.engine.conditions import Condition, Parent
from modelwright.keras_tuner.engine.hyperparameters import kinds
from modelwright.keras_tuner.engine.hyperparameters.hyperparameter import HyperParameter
from modelwright.keras_tuner.errors import no_protobuf

_KINDS: dict[str, type[HyperParameter]] = {
    "Fixed": kinds.Fixed,
    "Float": kinds.Float,
    "Int": kinds.Int,
    "Choice": kinds.Choice,
    "Boolean": kinds.Boolean,
}


class HyperParameters:
    """Asks for hyperparameters by name; what was asked for becomes the space.

    Attributes:
        space: the hyperparameters in the order in which they were first asked for.
        values: name -> value of everything that is active.
        active_scopes: the conditions of every ``conditional_scope`` that was entered while they held.
        inactive_scopes: the same for those entered while they did not hold.

    >>> hp = HyperParameters()
    >>> hp.Int("layers", 1, 3), hp.Choice("activation", ["relu", "tanh"]), hp.values
    (1, 'relu', {'layers': 1, 'activation': 'relu'})
    """

    def __init__(self) -> None:
        self._name_scopes: list[str] = []
        self._conditions: list[Condition] = []
        self._hps: defaultdict[str, list[HyperParameter]] = defaultdict(list)
        self._space: list[HyperParameter] = []
        self.values: dict[str, Any] = {}
        self.active_scopes: list[list[Condition]] = []
        self.inactive_scopes: list[list[Condition]] = []

    # --- scopes ------------------------------------------------------------------------------------

    @contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """Within: names are prefixed with ``name`` and a slash."""
        self._name_scopes.append(name)
        try:
            yield
        finally:
            self._name_scopes.pop()

    @contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Any) -> Iterator[None]:
        """Within: hyperparameters are active only while ``parent_name`` is worth one of ``parent_values``.

        The code within runs either way; a hyperparameter that is not active is registered and comes back as None.

        Raises:
            ValueError: no hyperparameter of that name was declared under the conditions that hold here.
        """
        parent_name = self._get_name(parent_name)
        if not any(all(c in self._conditions for c in known.conditions) for known in self._hps.get(parent_name, ())):
            raise ValueError(f"conditional_scope: the hyperparameter {parent_name!r} is not defined yet")
        condition = Parent(parent_name, parent_values)
        self._conditions.append(condition)
        seen = self.active_scopes if condition.is_active(self.values) else self.inactive_scopes
        seen.append(copy.deepcopy(self._conditions))
        try:
            yield
        finally:
            self._conditions.pop()

    @contextmanager
    def _maybe_conditional_scope(self, parent_name: str | None, parent_values: Any) -> Iterator[None]:
        if parent_name:
            with self.conditional_scope(parent_name, parent_values):
                yield
        else:
            yield

    # --- declaring ---------------------------------------------------------------------------------

    def Choice(
        self,
        name: str,
        values: Sequence[Any],
        ordered: bool | None = None,
        default: Any = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """One of ``values``, all of one type. See ``kinds.Choice``."""
        with self._maybe_conditional_scope(parent_name, parent_values):
            return self._retrieve(
                kinds.Choice(self._get_name(name), values, ordered, default, conditions=list(self._conditions))
            )

    def Int(
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str | None = "linear",
        default: int | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """A whole number, both ends included. See ``kinds.Int``."""
        with self._maybe_conditional_scope(parent_name, parent_values):
            made = kinds.Int(
                self._get_name(name), min_value, max_value, step, sampling, default, conditions=list(self._conditions)
            )
            return self._retrieve(made)

    def Float(
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str | None = "linear",
        default: float | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """A number, both ends included. See ``kinds.Float``."""
        with self._maybe_conditional_scope(parent_name, parent_values):
            made = kinds.Float(
                self._get_name(name), min_value, max_value, step, sampling, default, conditions=list(self._conditions)
            )
            return self._retrieve(made)

    def Boolean(
        self, name: str, default: bool = False, parent_name: str | None = None, parent_values: Any = None
    ) -> Any:
        """True or False."""
        with self._maybe_conditional_scope(parent_name, parent_values):
            return self._retrieve(kinds.Boolean(self._get_name(name), default, conditions=list(self._conditions)))

    def Fixed(self, name: str, value: Any, parent_name: str | None = None, parent_values: Any = None) -> Any:
        """A value that is recorded but not tuned."""
        with self._maybe_conditional_scope(parent_name, parent_values):
            return self._retrieve(kinds.Fixed(self._get_name(name), value, conditions=list(self._conditions)))

    # --- reading -----------------------------------------------------------------------------------

    @property
    def space(self) -> list[HyperParameter]:
        """The hyperparameters in the order in which they were first asked for."""
        return self._space

    def get(self, name: str) -> Any:
        """The current value.

        Raises:
            ValueError: the hyperparameter is not active.
            KeyError: there is none of that name.
        """
        name = self._get_name(name)
        if name in self.values:
            return self.values[name]
        if name in self._hps:
            raise ValueError(f"{name} is currently inactive.")
        raise KeyError(f"{name} does not exist.")

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __contains__(self, name: str) -> bool:
        return self._get_name(name) in self.values

    def is_active(self, hyperparameter: HyperParameter | str) -> bool:
        """Whether all conditions of a hyperparameter hold (for a name: of any hyperparameter of that name)."""
        if isinstance(hyperparameter, HyperParameter):
            return self._holds(hyperparameter.conditions)
        return any(self._holds(known.conditions) for known in self._hps.get(str(hyperparameter), ()))

    # --- changing ----------------------------------------------------------------------------------

    def merge(self, hps: HyperParameters | Sequence[HyperParameter], overwrite: bool = True) -> None:
        """Add hyperparameters; ``overwrite`` gives those that are known their (new) default value again."""
        for hp in hps.space if isinstance(hps, HyperParameters) else list(hps):
            if overwrite or not self._exists(hp.name, hp.conditions):
                self._register(hp, overwrite)

    def ensure_active_values(self, seed: int | None = None) -> None:
        """Draw values for what is active and has none; drop the values of what is not active.

        Args:
            seed: makes the draws repeatable; ``seed + i`` is used for hyperparameter ``i``.
        """
        for i, hp in enumerate(self._space):
            if self.is_active(hp):
                if hp.name not in self.values:
                    self.values[hp.name] = hp.random_sample(None if seed is None else seed + i)
            elif not self.is_active(hp.name):
                self.values.pop(hp.name, None)

    def copy(self) -> HyperParameters:
        """An independent copy of space and values."""
        return HyperParameters.from_config(self.get_config())

    def get_config(self) -> dict[str, Any]:
        """Space and values as plain values."""
        return {
            "space": [{"class_name": type(hp).__name__, "config": hp.get_config()} for hp in self._space],
            "values": dict(self.values),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> HyperParameters:
        """The inverse of ``get_config``."""
        made = cls()
        for item in config["space"]:
            hp = deserialize(item)
            made._hps[hp.name].append(hp)
            made._space.append(hp)
        made.values = dict(config["values"])
        return made

    def to_proto(self) -> Any:
        raise no_protobuf("HyperParameters")

    @classmethod
    def from_proto(cls, proto: Any) -> HyperParameters:
        raise no_protobuf("HyperParameters")

    # --- within ------------------------------------------------------------------------------------

    def _get_name(self, name: Any, name_scopes: list[str] | None = None) -> str:
        scopes = self._name_scopes if name_scopes is None else name_scopes
        return "/".join([*scopes, str(name)])

    def _holds(self, conditions: Sequence[Condition]) -> bool:
        return all(condition.is_active(self.values) for condition in conditions)

    def _exists(self, name: str, conditions: Sequence[Condition] | None = None) -> bool:
        wanted = self._conditions if conditions is None else conditions
        return any(known.conditions == wanted for known in self._hps.get(name, ()))

    def _retrieve(self, hp: HyperParameter) -> Any:
        """The value of a hyperparameter that was asked for; it is registered the first time."""
        if not self._exists(hp.name, hp.conditions):
            return self._register(hp)
        return self.values.setdefault(hp.name, hp.default) if self.is_active(hp) else None

    def _register(self, hyperparameter: HyperParameter, overwrite: bool = False) -> Any:
        if any(isinstance(c, Parent) and c.name == hyperparameter.name for c in self._conditions):
            raise ValueError(f"a hyperparameter cannot have the same name as its parent: {hyperparameter.name!r}")
        # An own copy: the configuration must be complete, and nobody else's changes may reach it.
        hp = type(hyperparameter).from_config(hyperparameter.get_config())
        known = next((k for k in self._hps.get(hp.name, ()) if k.conditions == hp.conditions), None)
        if known is not None:
            self._hps[hp.name][self._hps[hp.name].index(known)] = hp
            self._space[self._space.index(known)] = hp
        else:
            self._hps[hp.name].append(hp)
            self._space.append(hp)
        if not self.is_active(hp):
            return None
        if overwrite or hp.name not in self.values:
            self.values[hp.name] = hp.default
        return self.values[hp.name]


def serialize(obj: HyperParameter | HyperParameters) -> dict[str, Any]:
    """A hyperparameter, or a whole ``HyperParameters``, as ``{"class_name": ..., "config": ...}``."""
    return {"class_name": type(obj).__name__, "config": obj.get_config()}


def deserialize(config: Any) -> Any:
    """The inverse of ``serialize``; subclasses of ``HyperParameter`` that were defined by then are found by name."""
    name = config["class_name"]
    if name == "HyperParameters":
        return HyperParameters.from_config(config["config"])
    kind = _KINDS.get(name) or next((k for k in _subclasses(HyperParameter) if k.__name__ == name), None)
    if kind is None:
        raise ValueError(f"unknown hyperparameter class {name!r}: known are {sorted(_KINDS)}")
    return kind.from_config(config["config"])


def _subclasses(kind: type) -> Iterator[type]:
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)
