"""Rows that come again: what is known of a row counts for one like it as much as that was right so far, and no more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import modelwright as mw
from modelwright.core.errors import ArgumentError
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.data.known_rows import KnownRows, keys_of, worth
from modelwright.tasks.data.reading import read


def repeated(rows=400, *, again=0.3, noise=0.0, seed=0, classes=0):
    """A table of chance, in which a share of the rows is a copy of another one; its target cannot be learned."""
    rng = np.random.default_rng(seed)
    first = int(rows * (1 - again))
    place = np.concatenate([np.arange(first), rng.integers(0, first, rows - first)])
    x = rng.normal(size=(first, 3)).round(3)[place]
    y = rng.integers(0, classes, first)[place] if classes else rng.normal(size=first)[place]
    if noise:
        wild = rng.random(rows) < noise
        y = np.where(wild, rng.permutation(y), y)
    return {"a": x[:, 0], "b": x[:, 1], "c": np.array(["x", "y", "z"])[(x[:, 2] * 10).astype(int) % 3], "y": y}


def frame_of(table):
    return Frame(
        len(table["y"]),
        numbers={"a": table["a"], "b": table["b"]},
        codes={"c": np.unique(table["c"], return_inverse=True)[1].astype(np.int32)},
        levels={"c": ("x", "y", "z")},
    )


@given(st.data())
def test_rows_have_one_key_exactly_where_they_are_alike(data):
    numbers = data.draw(st.lists(st.sampled_from([0.0, -0.0, 1.0, float("nan"), 1e300]), min_size=1, max_size=30))
    texts = [data.draw(st.sampled_from(["", "a", "b", "a b"])) for _ in numbers]
    frame = Frame(len(numbers), numbers={"n": np.array(numbers)}, texts={"t": np.array(texts, object)})
    keys, sure = keys_of(frame)
    seen = {}
    for key, number, text in zip(keys.tolist(), numbers, texts, strict=True):
        row = ("nan" if number != number else number + 0.0, text)
        assert seen.setdefault(key, row) == row
    assert sure.all()
    assert len(seen) == len({("nan" if n != n else n + 0.0, t) for n, t in zip(numbers, texts, strict=True)})


def test_a_level_that_no_known_row_has_is_like_no_other():
    frame = Frame(2, codes={"c": np.array([0, 2], np.int32)}, levels={"c": ("x", "y")})
    assert keys_of(frame)[1].tolist() == [True, False]


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_answers_that_agree_count_for_nearly_all_and_chance_for_nothing(classes):
    for noise in (0.0, 1.0):
        table = repeated(1000, noise=noise, classes=classes)
        y = np.asarray(table["y"])
        blind = np.full((1000, classes), 1 / classes) if classes else np.zeros(1000)
        found = worth(frame_of(table), y, None, blind, classes=classes)
        if noise:
            assert found is None
            continue
        assert found is not None
        assert found.strength < 0.1
        known = KnownRows.of(frame_of(table), y, None, strength=found.strength, classes=classes)
        answered = known.joined(frame_of(table), blind)
        right = answered[np.arange(1000), y] > 0.8 if classes else np.abs(answered - y) < 0.3
        assert right.all()


@given(st.integers(0, 10_000), st.sampled_from([0, 2, 5]))
def test_what_is_known_of_a_row_does_not_touch_others_and_probabilities_stay_such(seed, classes):
    known_table, other = repeated(60, seed=seed, classes=classes), repeated(60, seed=seed + 1, classes=classes)
    known = KnownRows.of(frame_of(known_table), np.asarray(known_table["y"]), None, strength=1.0, classes=classes)
    rng = np.random.default_rng(seed)
    predicted = rng.dirichlet(np.ones(classes), 60) if classes else rng.normal(size=60)
    assert np.array_equal(known.joined(frame_of(other), predicted), predicted)
    joined = known.joined(frame_of(known_table), predicted)
    if classes:
        assert np.allclose(joined.sum(axis=1), 1)
        assert (joined >= 0).all()
    json, arrays = known.state()
    again = KnownRows.restore(json, arrays)
    assert np.array_equal(again.joined(frame_of(known_table), predicted), joined)


def test_a_row_is_never_answered_by_itself():
    table = repeated(300, again=0.0, classes=2)
    assert worth(frame_of(table), np.asarray(table["y"]), None, np.full((300, 2), 0.5), classes=2) is None


@pytest.fixture(scope="module")
def model():
    return mw.fit(repeated(600, classes=2), "y", trials=3, models=["linear", "known_rows"], store=":memory:", verbose=0)


def test_a_fit_knows_rows_again_and_says_so(model, tmp_path):
    table = repeated(600, classes=2)
    known = {name: column for name, column in table.items() if name != "y"}
    assert model.evaluate(table, "accuracy")["accuracy"] > 0.95
    said = [one for one in model.decisions if one["what"] == "known rows"]
    assert len(said) == 1
    assert "block=['known_rows']" in said[0]["undo"]
    one = {name: column[0].item() for name, column in known.items()}
    assert np.allclose(model.predict_proba(one)[0], model.predict_proba(known)[0])
    loaded = mw.load(model.save(tmp_path / "model.mw"))
    assert np.array_equal(loaded.predict_proba(known), model.predict_proba(known))
    again = mw.fit(table, "y", plan=model.plan, verbose=0)
    assert np.array_equal(again.predict_proba(known), model.predict_proba(known))


def test_its_score_is_that_of_rows_that_nobody_knows(model):
    assert abs(model.score - 0.5) < 0.1


@pytest.mark.parametrize(
    "said",
    [{"models": ["linear"]}, {"block": ["known_rows"]}, {"preset": "interpretable"}, {"groups": "c"}, {"time": "a"}],
)
def test_who_says_otherwise_has_it_otherwise(said):
    model = mw.fit(repeated(300, classes=2), "y", trials=1, store=":memory:", verbose=0, **said)
    assert "known rows" not in [one["what"] for one in model.decisions]
    assert model.plan["known_rows"] is None


def test_known_rows_alone_are_no_model():
    with pytest.raises(ArgumentError, match="no learner is left"):
        mw.fit(repeated(100, classes=2), "y", trials=1, models=["known_rows"], store=":memory:", verbose=0)


def test_a_file_in_which_they_do_not_fit_is_refused(model, tmp_path):
    from modelwright.tasks import stored
    from modelwright.tasks.result import archive

    body, arrays = model._content()
    harms = {
        "keys": lambda keys: keys[::-1].copy(),
        "answers": lambda answers: answers + 2,
        "starts": lambda starts: starts + 1,
        "counts": lambda counts: -counts,
    }
    for name, harm in harms.items():
        bad = arrays | {f"known_rows/{name}": harm(arrays[f"known_rows/{name}"])}
        with pytest.raises(stored.Damaged):
            stored.known_rows(body, bad)
        path = archive.write(tmp_path / f"{name}.mw", body, bad)
        with pytest.raises(ArgumentError, match="damaged"):
            mw.load(path)


def test_frames_of_tables_and_of_single_rows_have_the_same_keys():
    table = repeated(50, classes=2)
    model = mw.fit(table, "y", trials=1, models=["linear"], store=":memory:", verbose=0)
    source = read({name: column for name, column in table.items() if name != "y"})
    many, _ = keys_of(model._schema.frame(source))
    single = {name: table[name][7].item() for name in ("a", "b", "c")}
    assert keys_of(model._schema.frame(single))[0][0] == many[7]
