"""The contract of a search space: what strategies rely on, for spaces of parameters and of architectures alike."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from modelwright.core.codec import dumps, loads
from modelwright.strategy.base import SearchSpace

_DRAWS = 60
_COUNTABLE = 3000


class SpaceContract:
    """Subclass it, set ``make`` to a function without arguments that returns a space.

    class TestMine(SpaceContract):
        make = staticmethod(lambda: my_space())
    """

    make: Callable[[], SearchSpace]

    @pytest.fixture
    def space(self) -> SearchSpace:
        return self.make()

    @pytest.fixture
    def rng(self) -> np.random.Generator:
        return np.random.default_rng(7)

    def _samples(self, space: SearchSpace, rng: np.random.Generator) -> list[dict[str, Any]]:
        return [space.sample(rng) for _ in range(_DRAWS)]

    def test_the_same_generator_gives_the_same_samples(self, space: SearchSpace) -> None:
        first, second = (self._samples(space, np.random.default_rng(3)) for _ in range(2))
        assert first == second
        one, two = (space.sample_vectors(np.random.default_rng(3), 20) for _ in range(2))
        np.testing.assert_array_equal(one, two)

    def test_a_sample_comes_back_exactly_from_its_vector(self, space: SearchSpace, rng: np.random.Generator) -> None:
        for config in self._samples(space, rng):
            back = space.decode(space.encode(config))
            assert repr(sorted(back.items())) == repr(sorted(config.items()))
            assert space.key(back) == space.key(config)

    def test_a_sample_comes_back_exactly_from_json(self, space: SearchSpace, rng: np.random.Generator) -> None:
        for config in self._samples(space, rng):
            back = loads(dumps(config))
            assert back == config and space.key(back) == space.key(config)

    def test_a_key_does_not_depend_on_the_order_of_names(self, space: SearchSpace, rng: np.random.Generator) -> None:
        for config in self._samples(space, rng):
            assert space.key(dict(reversed(config.items()))) == space.key(config)

    def test_vectors_lie_in_the_unit_cube_one_column_for_each_axis(
        self, space: SearchSpace, rng: np.random.Generator
    ) -> None:
        rows = space.sample_vectors(rng, 200)
        assert rows.shape == (200, len(space.axes))
        known = rows[~np.isnan(rows)]
        assert ((known >= 0) & (known <= 1)).all()
        assert all(axis.kind in ("numeric", "categorical") for axis in space.axes)

    def test_drawn_vectors_are_valid_points(self, space: SearchSpace, rng: np.random.Generator) -> None:
        rows = space.sample_vectors(rng, _DRAWS)
        np.testing.assert_allclose(space.snap(rows), rows, atol=1e-12)
        for row in rows:
            np.testing.assert_allclose(space.encode(space.decode(row)), row, atol=1e-8)

    def test_snapping_anything_gives_valid_points_and_snapping_twice_changes_nothing(
        self, space: SearchSpace, rng: np.random.Generator
    ) -> None:
        rows = rng.normal(0.5, 0.6, size=(_DRAWS, len(space.axes)))
        rows[rng.random(rows.shape) < 0.2] = np.nan
        before = rows.copy()
        once = space.snap(rows)
        np.testing.assert_array_equal(rows, before)
        np.testing.assert_allclose(space.snap(once), once, atol=1e-12)
        for row in once:
            np.testing.assert_allclose(space.encode(space.decode(row)), row, atol=1e-8)

    def test_levels_lie_where_the_axes_say(self, space: SearchSpace, rng: np.random.Generator) -> None:
        rows = space.sample_vectors(rng, 300)
        for j, axis in enumerate(space.axes):
            column = rows[:, j][~np.isnan(rows[:, j])]
            if axis.levels is None:
                continue
            assert len(np.unique(column.round(9))) <= axis.levels
            if axis.kind == "categorical":
                places = column * axis.levels - 0.5
                np.testing.assert_allclose(places, places.round(), atol=1e-9)

    def test_neighbours_are_different_valid_candidates(self, space: SearchSpace, rng: np.random.Generator) -> None:
        for config in self._samples(space, rng)[:15]:
            found = space.neighbours(config, rng, 6)
            keys = [space.key(c) for c in found]
            assert len(found) <= 6 and len(set(keys)) == len(keys) and space.key(config) not in keys
            assert found or space.size == 1
            for other in found:
                assert space.key(space.decode(space.encode(other))) == space.key(other)

    def test_an_edit_is_told_for_neighbours_and_not_for_equals(
        self, space: SearchSpace, rng: np.random.Generator
    ) -> None:
        for config in self._samples(space, rng)[:10]:
            assert space.edit(config, dict(config)) == ""
            assert all(space.edit(config, other) for other in space.neighbours(config, rng, 4))

    def test_levels_name_decisions_of_the_space(self, space: SearchSpace, rng: np.random.Generator) -> None:
        known = {name for config in self._samples(space, rng) for name in config}
        assert all(name in known for level in space.levels for name in level)

    def test_the_walk_meets_every_candidate_once(self, space: SearchSpace, rng: np.random.Generator) -> None:
        keys = [space.key(c) for c in itertools.islice(space.enumerate(every=True), _COUNTABLE)]
        assert len(set(keys)) == len(keys)
        assert keys == [space.key(c) for c in itertools.islice(space.enumerate(every=True), _COUNTABLE)]
        if space.size is not None and space.size < _COUNTABLE:
            assert len(keys) == space.size
            assert {space.key(c) for c in self._samples(space, rng)} <= set(keys)

    def test_a_copy_by_pickle_answers_alike(self, space: SearchSpace) -> None:
        copy = pickle.loads(pickle.dumps(space))
        assert copy.size == space.size and tuple(copy.axes) == tuple(space.axes)
        assert copy.sample(np.random.default_rng(1)) == space.sample(np.random.default_rng(1))
