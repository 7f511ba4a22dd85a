"""A container of parameters with the values of one point: scopes, names, looking things up, copying.

Does not know where values come from; ``hyperparameters`` asks and answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from modelwright.core.errors import SpaceError
from modelwright.core.rng import Seed
from modelwright.core.wording import did_you_mean
from modelwright.space.constraints import Constraint, constraint_from_spec
from modelwright.space.parameter import Condition, Parameter
from modelwright.space.tree import Tree
from modelwright.space.value import thaw

_LOG = "Float(name, low, high, sampling='log')"
#: What other tools call a question -> what it is here.
_ELSEWHERE = {
    **dict.fromkeys(("suggest_float", "suggest_uniform", "uniform", "real"), "Float(name, low, high)"),
    **dict.fromkeys(("suggest_loguniform", "loguniform", "log_uniform"), _LOG),
    **dict.fromkeys(("suggest_discrete_uniform", "quniform"), "Float(name, low, high, step=...)"),
    **dict.fromkeys(("suggest_int", "randint", "integer", "integers"), "Int(name, low, high), both included"),
    **dict.fromkeys(("lograndint",), "Int(name, low, high, sampling='log')"),
    **dict.fromkeys(("suggest_categorical", "categorical"), "Choice(name, [...])"),
}


class Container:
    """What ``HyperParameters`` holds; see there for the attributes."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.constraints: list[Constraint] = []
        self.active_scopes: list[tuple[Condition, ...]] = []
        self.inactive_scopes: list[tuple[Condition, ...]] = []
        self._space: list[Parameter] = []
        self._by_name: dict[str, list[Parameter]] = {}
        self._scopes: list[str] = []
        self._conditions: list[Condition] = []

    if not TYPE_CHECKING:  # type checkers are to find what does not exist themselves

        def __getattr__(self, name: str) -> Any:
            """Only called for what does not exist: says what it is called here."""
            told = f"{type(self).__name__!r} object has no attribute {name!r}"
            if not name.startswith("_"):
                public = [known for known in dir(type(self)) if not known.startswith("_")]
                meant, near = _ELSEWHERE.get(name.lower()), did_you_mean(name, public, 1)
                told += f". Write hp.{meant}" if meant is not None else f". {near}" if near else ""
            raise AttributeError(told)

    def _before_use(self) -> None:
        """Called before a value is handed out."""

    # --- scopes and names --------------------------------------------------------------------------

    @contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """Within: names are prefixed with ``name/``."""
        self._scopes.append(str(name))
        try:
            yield
        finally:
            self._scopes.pop()

    @contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Any) -> Iterator[None]:
        """Within: parameters exist only while ``parent_name`` is worth one of ``parent_values``.

        The code within runs either way; asking for a parameter that is not active registers it and gives None.

        Raises:
            SpaceError: the parent was not declared before.
        """
        parent = self._resolve(parent_name, "conditional_scope")
        listed = parent_values if isinstance(parent_values, (list, tuple, set, frozenset)) else [parent_values]
        condition = Condition(parent, tuple(self._coerce(parent, v, lenient=True) for v in listed))
        self._conditions.append(condition)
        scopes = self.active_scopes if self._hold(self._conditions) else self.inactive_scopes
        scopes.append(tuple(self._conditions))
        try:
            yield
        finally:
            self._conditions.pop()

    def _full(self, name: Any) -> str:
        return "/".join([*self._scopes, str(name)])

    def _resolve(self, name: Any, where: str) -> str:
        """The full name of a declared parameter, looked for from the innermost scope outwards."""
        for depth in range(len(self._scopes), -1, -1):
            full = "/".join([*self._scopes[:depth], str(name)])
            if full in self._by_name:
                return full
        raise SpaceError(
            f"no parameter {str(name)!r} was declared before",
            where=where,
            allowed=", ".join(map(repr, self._by_name)) or "nothing yet",
            hint="Ask for the parameter first, in the same branch.",
        )

    def _coerce(self, name: str, value: Any, lenient: bool = False) -> Any:
        error: SpaceError | None = None
        for p in self._by_name[name]:
            try:
                return p.domain.coerce(value)
            except SpaceError as found:
                error = found
        if lenient or error is None:
            return value
        raise SpaceError(error.what, where=repr(name), allowed=error.allowed, hint=error.hint)

    def _hold(self, conditions: Iterable[Condition]) -> bool:
        return all(c.holds(self.values) for c in conditions)

    def _find(self, p: Parameter) -> Parameter | None:
        identity = p.identity
        return next((q for q in self._by_name.get(p.name, ()) if q.identity == identity), None)

    def _add(self, p: Parameter) -> None:
        self._space.append(p)
        self._by_name.setdefault(p.name, []).append(p)

    # --- looking -----------------------------------------------------------------------------------

    @property
    def space(self) -> list[Parameter]:
        return self._space

    @property
    def tree(self) -> Tree:
        """The space as a ``Tree``, for strategies."""
        return Tree(self._space, self.constraints)

    def get(self, name: str) -> Any:
        """The value of a parameter, also ``hp[name]``.

        Raises:
            ValueError: the parameter is not active.
            KeyError: there is no such parameter.
        """
        self._before_use()
        full = self._full(name)
        if full in self.values:
            return self.values[full]
        if full in self._by_name:
            raise SpaceError("it is not active, so it has no value", where=repr(full), hint="Test: name in hp.")
        raise KeyError(f"{full!r} is not among the hyperparameters: {', '.join(self._by_name) or 'there are none'}")

    __getitem__ = get

    def __contains__(self, name: object) -> bool:
        return self._full(name) in self.values

    def is_active(self, hyperparameter: str | Parameter) -> bool:
        """Whether all conditions of a parameter hold; for a name, of any parameter with that name."""
        if isinstance(hyperparameter, str):
            return any(self.is_active(p) for p in self._by_name.get(hyperparameter, ()))
        return self._hold(hyperparameter.conditions)

    def __repr__(self) -> str:
        if not self._space:
            return f"{type(self).__name__}()"
        lines = [
            f"  {p.name} = {self.values[p.name]!r}    [{p.domain.describe()}]"
            if p.name in self.values and self.is_active(p)
            else f"  {p.name} (inactive: needs {' and '.join(map(str, p.conditions)) or 'a value'})"
            for p in self._space
        ]
        return "\n".join([f"{type(self).__name__}(", *lines, *(f"  require {c}" for c in self.constraints), ")"])

    # --- copying -----------------------------------------------------------------------------------

    def merge(self, hps: Container | Iterable[Parameter], overwrite: bool = True) -> None:
        """Add the parameters of ``hps``.

        Args:
            overwrite: replace those with the same name and conditions, and set their values back to the default.
        """
        if isinstance(hps, Container):
            self.constraints += [c for c in hps.constraints if repr(c) not in map(repr, self.constraints)]
            hps = hps.space
        for p in list(hps):
            old = self._find(p)
            if old is not None and not overwrite:
                continue
            if old is None:
                self._add(p)
            else:
                for listed in (self._space, self._by_name[p.name]):
                    listed[listed.index(old)] = p
            if self.is_active(p) and (overwrite or p.name not in self.values):
                self.values[p.name] = p.default

    def ensure_active_values(self, draw: Seed | None = None) -> None:
        """Drop values of what is not active; give what is active and has none a draw, or its default."""
        for name, same in self._by_name.items():
            if not any(self.is_active(p) for p in same):
                self.values.pop(name, None)
        for p in self._space:
            if not self.is_active(p):
                continue
            if p.name not in self.values:
                self.values[p.name] = p.default if draw is None else p.domain.sample(draw.child(p.name).generator())

    def get_config(self) -> dict[str, Any]:
        """Plain data for ``from_config``."""
        return {"space": self.tree.specs(), "values": dict(self.values)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The inverse of ``get_config``, also after a trip through JSON."""
        hp = cls()
        for spec in config["space"]:
            if spec.get("kind") == "constraint":
                hp.constraints.append(constraint_from_spec(spec))
            else:
                hp._add(Parameter.from_spec(spec))
        for name, value in config["values"].items():
            found = next((p for p in hp._by_name.get(name, ()) if p.domain.contains(thaw(value))), None)
            hp.values[name] = value if found is None else found.domain.coerce(thaw(value))
        return hp
