"""Domains: ranges, lattices and scales."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from modelwright.core.codec import dumps, loads
from modelwright.core.errors import SpaceError
from modelwright.space import BooleanDomain, ChoiceDomain, FixedDomain, FloatDomain, IntDomain, domain_from_spec
from modelwright.space.value import exact

SAMPLINGS = st.sampled_from(["linear", "log", "reverse_log"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(allow_nan=False),
    st.sampled_from(["a", "b", ""]),
)
VALUES = st.one_of(SCALARS, st.tuples(SCALARS, SCALARS))


@st.composite
def int_domains(draw):
    sampling = draw(SAMPLINGS)
    low = draw(st.integers(-1000, 1000) if sampling == "linear" else st.integers(1, 3000))
    high = low + draw(st.one_of(st.integers(0, 40), st.integers(0, 10**6)))
    step = draw(st.one_of(st.none(), st.integers(1 if sampling == "linear" else 2, 50)))
    domain = IntDomain(low, high, step, sampling)
    return IntDomain(low, high, step, sampling, default=domain.from_unit(draw(st.floats(0, 1))))


@st.composite
def float_domains(draw):
    sampling = draw(SAMPLINGS)
    if sampling == "linear":
        low = draw(st.floats(-1e6, 1e6))
        high = low + draw(st.floats(0, 1e6))
        step = draw(st.one_of(st.none(), st.floats(1e-3, 1e3)))
        assume(step is None or (high - low) / step < 1e6)
    else:
        low = draw(st.floats(1e-12, 1e3))
        high = low * draw(st.floats(1, 1e12))
        step = draw(st.one_of(st.none(), st.floats(1.01, 100)))
    default = draw(st.one_of(st.none(), st.just(low + (high - low) / 3))) if step is None else None
    assume(default is None or low <= default <= high)
    return FloatDomain(low, high, step, sampling, default)


@st.composite
def choice_domains(draw):
    values = draw(st.lists(VALUES, min_size=1, max_size=6, unique_by=exact))
    return ChoiceDomain(values, ordered=draw(st.sampled_from([None, True, False])))


DOMAINS = st.one_of(
    int_domains(), float_domains(), choice_domains(), st.builds(BooleanDomain, st.booleans()), VALUES.map(FixedDomain)
)


@given(DOMAINS, st.floats(-0.1, 1.1))
def test_values_never_leave_the_domain_and_come_back_from_their_position(domain, unit):
    value = domain.from_unit(unit)
    assert domain.contains(value)
    if isinstance(domain, (IntDomain, FloatDomain)):
        assert domain.low <= value <= domain.high
    place = domain.to_unit(value)
    assert 0 <= place <= 1
    assert exact(domain.from_unit(place)) == exact(value)
    assert exact(domain.canonical(value)) == exact(value)


@given(DOMAINS)
def test_ends_and_default_come_back_from_their_position(domain):
    special = [domain.default_value, domain.from_unit(0.0), domain.from_unit(1.0)]
    for value in special:
        assert domain.contains(value)
        assert exact(domain.from_unit(domain.to_unit(value))) == exact(value)


@given(DOMAINS)
def test_the_values_of_a_finite_domain_are_counted_by_its_size(domain):
    assume(domain.size is None or domain.size < 5000)
    values = list(domain.every())
    assert len({exact(v) for v in values}) == len(values)
    assert domain.size is None or len(values) == domain.size
    assert all(domain.contains(v) for v in values)


def test_integers_on_a_log_scale_are_counted_though_modelled_as_a_continuum():
    domain = IntDomain(8, 2981, sampling="log")
    assert domain.size == 2974 and domain.levels is None and len(domain.grid()) == 10
    assert list(domain.every()) == list(range(8, 2982))
    assert FloatDomain(0, 1).size is None


@given(DOMAINS)
def test_positions_grow_with_the_grid_and_levels_count_it(domain):
    assume(domain.levels is None or domain.levels < 5000)
    grid = domain.grid()
    units = [domain.to_unit(v) for v in grid]
    assert units == sorted(units) and len(set(units)) == len(units)
    assert len(grid) == domain.levels if domain.levels is not None else 1 <= len(grid) <= 10
    snapped = domain.snap_units(np.array(units))
    np.testing.assert_allclose(snapped, units, atol=1e-12)
    if isinstance(domain, (IntDomain, FloatDomain)):
        assert grid == sorted(grid)


@given(DOMAINS)
def test_a_domain_comes_back_from_json(domain):
    import json

    for text, load in ((dumps(domain.spec()), loads), (json.dumps(domain.spec()), json.loads)):
        back = domain_from_spec(load(text))
        assert back == domain and hash(back) == hash(domain)
        assert exact(back.default_value) == exact(domain.default_value)


@given(DOMAINS, st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_neighbours_are_other_values_of_the_domain(domain, seed, count):
    rng = np.random.default_rng(seed)
    value = domain.sample(rng)
    found = domain.neighbours(value, rng, count)
    tokens = {exact(v) for v in found}
    assert len(found) <= count and len(tokens) == len(found) and exact(value) not in tokens
    assert all(domain.contains(v) for v in found)


@pytest.mark.parametrize("sampling", ["log", "reverse_log", "LOG"])
@pytest.mark.parametrize("low, high", [(8, 2981), (1, 2), (3, 17), (1, 1000)])
def test_the_largest_integer_is_reached_and_never_passed(low, high, sampling):
    domain = IntDomain(low, high, sampling=sampling)
    values = {domain.from_unit(u) for u in [*np.linspace(0, 1, 5001), np.nextafter(1, 0), 1.0]}
    assert min(values) == low and max(values) == high


@pytest.mark.parametrize(
    "domain, expected",
    [
        (IntDomain(6, 13, 3), [6, 9, 12]),
        (IntDomain(5, 5), [5]),
        (IntDomain(2, 32, 2, "log"), [2, 4, 8, 16, 32]),
        (IntDomain(2, 40, 2, "log"), [2, 4, 8, 16, 32]),
        (IntDomain(2, 40, 2, "reverse_log"), [10, 26, 34, 38, 40]),
        (IntDomain(1, 4, None, "log"), [1, 2, 3, 4]),
        (FloatDomain(0, 1, 0.2), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (FloatDomain(0, 0.7, 0.1), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
        (FloatDomain(0.001, 10, 10, "log"), [0.001, 0.01, 0.1, 1.0, 10.0]),
        (FloatDomain(1, 1), [1.0]),
        (ChoiceDomain([64, 16, 32]), [64, 16, 32]),
    ],
)
def test_lattices_are_those_of_keras_tuner(domain, expected):
    assert domain.grid() == expected and domain.levels == len(expected)


def test_each_lattice_point_has_the_same_mass():
    lattices = IntDomain(1, 8), IntDomain(1, 128, 2, "log"), FloatDomain(0, 0.7, 0.1), ChoiceDomain(list("abcdefgh"))
    for domain in lattices:
        counts: dict = {}
        for u in (np.arange(8000) + 0.5) / 8000:
            counts[domain.from_unit(float(u))] = counts.get(domain.from_unit(float(u)), 0) + 1
        assert set(counts.values()) == {1000}


def test_the_scales_spread_draws_as_they_say():
    assert FloatDomain(1e-4, 1e-2, sampling="log").from_unit(0.5) == pytest.approx(1e-3)
    assert FloatDomain(0.9, 0.999, sampling="linear").from_unit(0.5) == pytest.approx(0.9495)
    low, high = 1.0, 100.0
    mirrored = FloatDomain(low, high, sampling="reverse_log").from_unit(0.5)
    assert mirrored == pytest.approx(high + low - 10.0)


def test_mixed_choices_keep_their_types():
    domain = ChoiceDomain([1, 1.0, True, "1", None, (1, True)])
    assert [exact(domain.from_unit(domain.to_unit(v))) for v in domain.values] == [exact(v) for v in domain.values]
    assert ChoiceDomain([1]) != ChoiceDomain([True]) and ChoiceDomain([1]) != ChoiceDomain([1.0])
    assert not ChoiceDomain([1]).contains(True)


def test_numpy_numbers_become_python_numbers():
    domain = ChoiceDomain(np.array([16, 32]))
    assert [type(v) for v in domain.values] == [int, int]
    assert type(IntDomain(np.int64(1), np.int32(9)).low) is int
    assert type(FloatDomain(np.float32(0.5), 1).low) is float


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: IntDomain(5, 1), ["min_value=5", "max_value=1", "swap"]),
        (lambda: FloatDomain(0, 1, sampling="log"), ["log", "min_value > 0"]),
        (lambda: FloatDomain(-1, 1, sampling="reverse_log"), ["reverse_log", "min_value > 0"]),
        (lambda: FloatDomain(0, 1, sampling="cubic"), ["'cubic'", "'reverse_log'"]),
        (lambda: IntDomain(0, 9, step=0), ["step=0", "step > 0"]),
        (lambda: FloatDomain(1, 9, step=1, sampling="log"), ["step=1.0", "step > 1"]),
        (lambda: IntDomain(0, 2.5), ["max_value=2.5", "integer"]),
        (lambda: IntDomain("1", 2), ["min_value='1'", "str"]),
        (lambda: IntDomain(True, 2), ["min_value=True", "bool"]),
        (lambda: FloatDomain(0, math.nan), ["max_value=nan", "finite"]),
        (lambda: FloatDomain(0, math.inf), ["max_value=inf", "finite"]),
        (lambda: FloatDomain(-1e308, 1e308), ["too wide"]),
        (lambda: IntDomain(0, 10, default=11), ["default", "11", "0..10"]),
        (lambda: IntDomain(0, 10, step=5, default=4), ["default", "lattice", "5"]),
        (lambda: IntDomain(0, 10, default="a"), ["default", "'a'"]),
        (lambda: ChoiceDomain([]), ["nothing to choose", "at least one"]),
        (lambda: ChoiceDomain("relu"), ["'relu'", "list"]),
        (lambda: ChoiceDomain([[1, 2], [3]]), ["[1, 2]", "not hashable", "tuple"]),
        (lambda: ChoiceDomain([print]), ["print", "names"]),
        (lambda: ChoiceDomain(["a", "b", "a"]), ["'a'", "twice"]),
        (lambda: ChoiceDomain(["a"], default="b"), ["default", "'b'", "'a'"]),
        (lambda: BooleanDomain("yes"), ["'yes'", "True, False"]),
        (lambda: FixedDomain([1]), ["[1]", "tuple"]),
        (lambda: domain_from_spec({"kind": "graph"}), ["'graph'", "newer"]),
    ],
)
def test_a_wrong_domain_says_what_is_wrong_and_what_is_allowed(make, words):
    with pytest.raises(SpaceError) as caught:
        make()
    for word in words:
        assert word in str(caught.value)
