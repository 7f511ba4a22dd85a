"""HyperParameters: what a user's function asks for values. Names and rules are KerasTuner's; knows no trials.

Unbound, it is a declared space that answers with defaults. Bound to a trial (``bind``), it answers with the trial's
configuration, draws what that does not cover, and records what was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from modelwright.core.errors import InfeasibleError, SpaceError
from modelwright.core.records import Config
from modelwright.core.rng import Seed
from modelwright.space import simplex
from modelwright.space.constraints import Constraint, Forbid, Require, names_in
from modelwright.space.container import Container
from modelwright.space.domain import BooleanDomain, ChoiceDomain, Domain, FixedDomain, FloatDomain, IntDomain
from modelwright.space.parameter import Parameter, conflict
from modelwright.space.tree import Tree


class HyperParameters(Container):
    """A search space and the values of one point of it.

    Args:
        strict: whether one name with two domains is an error; otherwise the first declaration wins.

    Attributes:
        space: the parameters, parents before children.
        values: name -> value of everything active that was declared so far.
        constraints: what ``require`` and ``forbid`` said.
        active_scopes, inactive_scopes: the conditions of every ``conditional_scope`` entered while they held, or not.
        trace: specifications of what was asked for since binding, in order, active or not.
        ran: values of the active parameters that were asked for or declared ahead.

    >>> hp = HyperParameters()
    >>> hp.Int("units", 32, 512, step=32), hp.Float("lr", 1e-4, 1e-2, sampling="log")
    (32, 0.0001)
    >>> trial = HyperParameters.bind({"units": 64}, declared=hp.tree)
    >>> trial.Int("units", 32, 512, step=32), trial.get("lr"), trial.ran
    (64, 0.0001, {'units': 64, 'lr': 0.0001})
    """

    def __init__(self, *, strict: bool = True):
        super().__init__()
        self.strict = strict
        self.trace: list[dict[str, Any]] = []
        self.ran: dict[str, Any] = {}
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

        Every active declared parameter counts as used, since it may be read with ``get``. A declared space whose
        values violate a constraint raises ``InfeasibleError`` at the first use.
        """
        hp = cls(strict=strict)
        hp._bound, hp._given, hp._draw = True, dict(config), draw
        if declared is not None:
            for p in declared.parameters:
                hp._add(p)
            hp.constraints = list(declared.constraints)
            hp.values = declared.complete(config, draw)
            hp.ran = dict(hp.values)
            hp._unchecked = bool(hp.constraints)
        return hp

    def copy(self) -> Self:
        """The same space and values, with an empty trace."""
        other = type(self)(strict=self.strict)
        for p in self._space:
            other._add(p)
        other.constraints, other.values = list(self.constraints), dict(self.values)
        other._bound, other._given, other._draw = self._bound, self._given, self._draw
        return other

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
        found = [self.Float(f"{name}/{part}", 0.0, 1.0, default=u) for part, u in zip(names, simplex.even(len(names)))]
        return None if None in found else dict(zip(names, simplex.shares(found, min), strict=True))

    def _ask(self, name: str, make: Callable[[], Domain], parent_name: str | None, parent_values: Any) -> Any:
        self._before_use()
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

    def _before_use(self) -> None:
        if not self._unchecked:
            return
        self._unchecked = False
        for constraint in self.constraints:
            if not constraint.holds(self.values):
                self.ran = dict(self.values)
            self._enforce(constraint)
