"""Parameters: a name, a domain, and the conditions under which it exists. Plain data in, plain data out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.space.domain import Domain, FixedDomain, domain_from_spec
from modelwright.space.value import exact, plain, thaw


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """The parameter ``parent`` is active and worth one of ``values``.

    >>> Condition("kind", ("a", "b"))
    Condition(parent='kind', values=('a', 'b'))
    """

    parent: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        given = self.values
        listed = given if isinstance(given, (list, tuple, set, frozenset)) else (given,)
        object.__setattr__(self, "values", tuple(plain(thaw(v)) for v in listed))
        if not self.values:
            raise SpaceError("a condition without values is never met", where=f"parameters under {self.parent!r}")

    @property
    def name(self) -> str:
        """The parent, under the name that KerasTuner gives it."""
        return self.parent

    @property
    def token(self) -> Any:
        """Equal for equal conditions."""
        return (self.parent, frozenset(exact(v) for v in self.values))

    def holds(self, config: Mapping[str, Any]) -> bool:
        """Whether ``config`` has the parent with one of the values."""
        if self.parent not in config:
            return False
        value = exact(config[self.parent])
        return any(value == exact(v) for v in self.values)

    def spec(self) -> dict[str, Any]:
        return {"parent": self.parent, "values": self.values}

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Condition:
        return cls(str(spec["parent"]), tuple(thaw(spec["values"])))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and self.token == other.token

    def __hash__(self) -> int:
        return hash(self.token)

    def __str__(self) -> str:
        return f"{self.parent} is {' or '.join(map(repr, self.values))}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing to choose. Known by its name together with its conditions.

    >>> from modelwright.space.domain import IntDomain
    >>> Parameter.from_spec(Parameter("units", IntDomain(1, 9)).spec()).domain
    IntDomain(low=1, high=9, step=None, sampling='linear', default=None)
    """

    name: str
    domain: Domain
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise SpaceError(f"{self.name!r} is not a name", where="parameter", allowed="a string that is not empty")
        if any(c.parent == self.name for c in self.conditions):
            raise SpaceError(
                "a parameter cannot be its own condition", where=repr(self.name), hint="Give one of them another name."
            )

    @property
    def identity(self) -> Any:
        """Equal for parameters that are the same one: name and conditions."""
        return (self.name, tuple(c.token for c in self.conditions))

    @property
    def fixed(self) -> bool:
        """Whether there is nothing to search."""
        return isinstance(self.domain, FixedDomain)

    @property
    def default(self) -> Any:
        """The value when nobody chose."""
        return self.domain.default_value

    @property
    def kind(self) -> str:
        """ "int", "float", "choice", "boolean" or "fixed"."""
        return self.domain.kind

    def spec(self) -> dict[str, Any]:
        """Plain data from which ``from_spec`` builds an equal parameter; also after a trip through JSON."""
        spec = {"name": self.name, **self.domain.spec()}
        if self.conditions:
            spec["conditions"] = [c.spec() for c in self.conditions]
        return spec

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Parameter:
        conditions = tuple(Condition.from_spec(c) for c in spec.get("conditions") or ())
        try:
            return cls(str(spec["name"]), domain_from_spec(spec), conditions)
        except SpaceError as error:
            if error.where:
                raise
            raise SpaceError(error.what, where=repr(spec["name"]), allowed=error.allowed, hint=error.hint) from None

    def __str__(self) -> str:
        when = f" when {' and '.join(map(str, self.conditions))}" if self.conditions else ""
        return f"{self.name}: {self.domain.describe()}{when}"


def conflict(old: Parameter, new: Parameter) -> SpaceError:
    """Two declarations of one name that cannot both be meant."""
    when = f" when {' and '.join(map(str, new.conditions))}" if new.conditions else ""
    first, second = old.domain.describe(), new.domain.describe()
    if first == second:
        first, second = repr(old.domain), repr(new.domain)
    return SpaceError(
        f"declared as {first} and again as {second}",
        where=f"{new.name!r}{when}",
        hint="Give them different names, or put them under hp.name_scope or different hp.conditional_scope values.",
    )
