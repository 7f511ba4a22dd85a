"""HyperParameters: what a user's function asks for values. Names and rules are KerasTuner's; knows no trials.

Unbound, it is a declared space that answers with defaults. Bound to a trial (``bind``), it answers with the trial's
configuration, draws what that does not cover, and records what was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from modelwright.core.errors import InfeasibleError, SpaceError
from modelwright.core.records import Config
from modelwright.core.rng import Seed
from modelwright.space import simplex
from modelwright.space.constraints import Constraint, Forbid, Require, constraint_from_spec, names_in
from modelwright.space.domain import BooleanDomain, ChoiceDomain, Domain, FixedDomain, FloatDomain, IntDomain
from modelwright.space.parameter import Condition, Parameter
from modelwright.space.tree import Tree, conflict


class HyperParameters:
    """A search space and the values of one point of it.

    Args:
        strict: whether one name with two domains is an error; otherwise the first declaration wins.

    Attributes:
        space: the parameters, parents before children.
        values: name -> value of everything active that was declared so far.
        constraints: what ``require`` and ``forbid`` said.
        active_scopes, inactive_scopes: the conditions of every ``conditional_scope`` entered while they held, or not.
        trace: specifications of what was asked for since binding, in order, active or not.
        ran: values of the active parameters that were asked for.

    >>> hp = HyperParameters()
    >>> hp.Int("units", 32, 512, step=32), hp.Float("lr", 1e-4, 1e-2, sampling="log")
    (32, 0.0001)
    >>> trial = HyperParameters.bind({"units": 64}, declared=hp.tree)
    >>> trial.Int("units", 32, 512, step=32), trial.get("lr"), trial.ran
    (64, 0.0001, {'units': 64})
    """

    def __init__(self, *, strict: bool = True):
        self.strict = strict
        self.values: dict[str, Any] = {}
        self.constraints: list[Constraint] = []
        self.active_scopes: list[tuple[Condition, ...]] = []
        self.inactive_scopes: list[tuple[Condition, ...]] = []
        self.trace: list[dict[str, Any]] = []
        self.ran: dict[str, Any] = {}
        self._space: list[Parameter] = []
        self._by_name: dict[str, list[Parameter]] = {}
        self._scopes: list[str] = []
        self._conditions: list[Condition] = []
        self._called: dict[Any, Domain] = {}
        self._bound = False
        self._unchecked = False
        self._given: Config = {}
        self._draw: Seed | None = None

    @classmethod
    def bind(
        cls, config: Config, *, declared: Tree | None = None, draw: Seed | None = None, strict: bool = True
    ) -> HyperParameters:
        """Hyperparameters of one trial.

        Args:
            config: values that were proposed; one that is not in its domain is drawn instead.
            declared: parameters and constraints known ahead; their domains win over those a call names.
            draw: where values that ``config`` does not cover are drawn from, each from its child by name; None
                gives defaults.

        A declared space whose values violate a constraint raises ``InfeasibleError`` at the first use.
        """
        hp = cls(strict=strict)
        hp._bound, hp._given, hp._draw = True, dict(config), draw
        if declared is not None:
            for p in declared.parameters:
                hp._add(p)
            hp.constraints = list(declared.constraints)
            hp.values = declared.complete(config, draw)
            hp._unchecked = bool(hp.constraints)
        return hp

    # --- asking ------------------------------------------------------------------------------------

    def Int(
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str = "linear",
        default: int | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """An integer from ``min_value`` to ``max_value``, both included; None while inactive.

        Args:
            step: added between values, or with a log sampling multiplied; None means every integer.
            sampling: "linear", "log", or "reverse_log" (fine near ``max_value``).
            default: ``min_value`` when None.
            parent_name, parent_values: a condition for this parameter alone, see ``conditional_scope``.

        Raises:
            SpaceError: arguments that describe no range, or another declaration of the name.
        """
        return self._ask(
            name,
            lambda: IntDomain(min_value, max_value, step, sampling, default),
            parent_name,
            parent_values,
        )

    def Float(
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str = "linear",
        default: float | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """A float from ``min_value`` to ``max_value``, both included; arguments as for ``Int``."""
        return self._ask(
            name,
            lambda: FloatDomain(min_value, max_value, step, sampling, default),
            parent_name,
            parent_values,
        )

    def Choice(
        self,
        name: str,
        values: Iterable[Any],
        ordered: bool | None = None,
        default: Any = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """One of ``values`` (scalars, None, or tuples of scalars); None while inactive.

        Args:
            ordered: whether neighbours in the list are alike; None means: when all are numbers.
            default: the first value when None.
        """
        return self._ask(name, lambda: ChoiceDomain(values, ordered, default), parent_name, parent_values)

    def Boolean(
        self, name: str, default: bool = False, parent_name: str | None = None, parent_values: Any = None
    ) -> Any:
        """True or False; None while inactive."""
        return self._ask(name, lambda: BooleanDomain(default), parent_name, parent_values)

    def Fixed(self, name: str, value: Any, parent_name: str | None = None, parent_values: Any = None) -> Any:
        """``value``, written down with the configuration but never searched."""
        return self._ask(name, lambda: FixedDomain(value), parent_name, parent_values)

    def Simplex(self, name: str, parts: Sequence[str] | int, *, min: float = 0.0) -> dict[str, float] | None:
        """Shares that sum to one (to 1e-12), drawn uniformly among all such; equal shares are the default.

        Args:
            parts: names of the shares, at least two, or their number.
            min: the least share.

        All but the last part are ordinary floats in [0, 1] named ``name/part``: the fraction of what the parts
        before left over, as a quantile.

        >>> HyperParameters().Simplex("mix", ["a", "b"])
        {'a': 0.5, 'b': 0.5}
        """
        try:
            names = simplex.check_parts(parts, min)
        except SpaceError as error:
            raise SpaceError(error.what, where=f"Simplex {name!r}", allowed=error.allowed) from None
        found = [
            self.Float(f"{name}/{part}", 0.0, 1.0, default=u) for part, u in zip(names, simplex.even(len(names)))
        ]
        return None if None in found else dict(zip(names, simplex.shares(found, min), strict=True))

    def _ask(self, name: str, make: Callable[[], Domain], parent_name: str | None, parent_values: Any) -> Any:
        if self._unchecked:
            self._check_declared()
        if parent_name:
            with self.conditional_scope(parent_name, parent_values):
                return self._ask(name, make, None, None)
        full = self._full(name)
        try:
            p = Parameter(full, make(), tuple(self._conditions))
        except SpaceError as error:
            where = error.where or repr(full)
            raise SpaceError(error.what, where=where, allowed=error.allowed, hint=error.hint) from None
        return self._answer(p)

    def _answer(self, p: Parameter) -> Any:
        before = self._called.get(p.identity)
        if before is not None and self.strict and before != p.domain:
            raise conflict(Parameter(p.name, before, p.conditions), p)
        known = self._find(p)
        if known is None:
            self._add(p)
            known = p
        if before is None:
            self._called[p.identity] = p.domain
            self.trace.append(known.spec())
        if not self.is_active(known):
            return None
        if p.name in self.ran and before is None and self.strict:
            self._check_other(p)
        if p.name not in self.values:
            self.values[p.name] = self._choose(known)
        value = self.ran[p.name] = self.values[p.name]
        return value

    def _check_other(self, p: Parameter) -> None:
        """The same name was answered under other conditions that hold too: it must be the same domain."""
        for other in self._by_name[p.name]:
            called = self._called.get(other.identity)
            if called is not None and called != p.domain and self.is_active(other):
                raise conflict(Parameter(p.name, called, other.conditions), p)

    def _choose(self, p: Parameter) -> Any:
        if p.name in self._given:
            try:
                return p.domain.coerce(self._given[p.name])
            except SpaceError:
                pass
        return p.default if self._draw is None else p.domain.sample(self._draw.child(p.name).generator())

    # --- constraints -------------------------------------------------------------------------------

    def require(self, expression: str) -> None:
        """Only configurations where ``expression`` is true: ``hp.require("units % heads == 0")``.

        Args:
            expression: over names declared before (``hp['scope/name']`` for names that are no identifiers):
                arithmetic, comparisons, ``and or not in``, ``abs min max round``. It does not count where one of
                the names is inactive.

        Raises:
            SpaceError: it does not parse, or names what was not declared.
            InfeasibleError: this trial's values violate it.
        """
        table = tuple((name, self._resolve(name, f"constraint {expression!r}")) for name in names_in(expression))
        renamed = tuple(sorted(pair for pair in table if pair[0] != pair[1]))
        self._constrain(Require(expression, renamed, tuple(self._conditions)))

    def forbid(self, combination: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """No configuration with all of these values together: ``hp.forbid(optimizer="sgd", momentum=0.9)``.

        Args:
            combination: the same as a dict, for names that are no identifiers. A list means any of its values.

        Raises:
            SpaceError: a name that was not declared, or a value that it cannot have.
            InfeasibleError: this trial's values are such a combination.
        """
        pairs = []
        for name, given in {**(combination or {}), **more}.items():
            full = self._resolve(name, "forbid")
            values = given if isinstance(given, (list, set, frozenset)) else [given]
            pairs.append((full, tuple(self._coerce(full, v) for v in values)))
        if not pairs:
            raise SpaceError("no combination was given", where="forbid", hint='Write hp.forbid(optimizer="sgd").')
        self._constrain(Forbid(tuple(pairs), tuple(self._conditions)))

    def _constrain(self, constraint: Constraint) -> None:
        if all(repr(constraint) != repr(c) for c in self.constraints):
            self.constraints.append(constraint)
        spec = constraint.spec()
        if spec not in self.trace:
            self.trace.append(spec)
        if self._bound:
            self._enforce(constraint)

    def _enforce(self, constraint: Constraint) -> None:
        if not constraint.holds(self.values):
            raise InfeasibleError(
                f"violated by {constraint.values(self.values)}",
                where=f"constraint '{constraint}'",
                hint="The trial counts as infeasible; once the constraint is known, such values are not proposed.",
            )

    def _check_declared(self) -> None:
        self._unchecked = False
        for constraint in self.constraints:
            if not constraint.holds(self.values):
                self.ran = dict(self.values)
            self._enforce(constraint)

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
        if self._unchecked:
            self._check_declared()
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
            return "HyperParameters()"
        lines = [
            f"  {p.name} = {self.values[p.name]!r}    [{p.domain.describe()}]"
            if p.name in self.values and self.is_active(p)
            else f"  {p.name} (inactive: needs {' and '.join(map(str, p.conditions)) or 'a value'})"
            for p in self._space
        ]
        return "\n".join(["HyperParameters(", *lines, *(f"  require {c}" for c in self.constraints), ")"])

    # --- copying -----------------------------------------------------------------------------------

    def copy(self) -> HyperParameters:
        """The same space and values, with an empty trace."""
        other = type(self)(strict=self.strict)
        for p in self._space:
            other._add(p)
        other.constraints, other.values = list(self.constraints), dict(self.values)
        other._bound, other._given, other._draw = self._bound, self._given, self._draw
        return other

    def merge(self, hps: HyperParameters | Iterable[Parameter], overwrite: bool = True) -> None:
        """Add the parameters of ``hps``.

        Args:
            overwrite: replace those with the same name and conditions, and set their values back to the default.
        """
        if isinstance(hps, HyperParameters):
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
    def from_config(cls, config: Mapping[str, Any]) -> HyperParameters:
        """The inverse of ``get_config``, also after a trip through JSON."""
        hp = cls()
        for spec in config["space"]:
            if spec.get("kind") == "constraint":
                hp.constraints.append(constraint_from_spec(spec))
            else:
                hp._add(Parameter.from_spec(spec))
        for name, value in config["values"].items():
            found = next((p for p in hp._by_name.get(name, ()) if p.domain.contains(_thawed(value))), None)
            hp.values[name] = value if found is None else found.domain.coerce(_thawed(value))
        return hp


def _thawed(value: Any) -> Any:
    return tuple(map(_thawed, value)) if isinstance(value, (list, tuple)) else value
