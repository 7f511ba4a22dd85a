"""A fit goes on with the metric that it began with: a name says it, else what it computes."""

from functools import partial

import numpy as np
import pytest

import modelwright as mw
from modelwright.store.base import open_store
from modelwright.tasks.request.fingerprint import fingerprint
from modelwright.tasks.request.same_metric import METRIC

PROFIT = "def profit(y, p):\n    return float((y == p).mean())\n"


def table(rows=120, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=rows)
    return {"a": a, "b": rng.normal(size=rows), "y": np.where(a + rng.normal(size=rows) > 0.4, "yes", "no")}


def cell(source, **known):
    """A function as a cell of a notebook makes it."""
    made = {"__name__": "__main__", "np": np, **known}
    exec(compile(source, f"/tmp/cell-{len(source)}.py", "exec"), made)
    return made["profit"]


def asked(tmp_path, **more):
    kept = {"store": tmp_path / "s.db", "name": "s", "models": ["linear"], "folds": 2, "verbose": 0}
    return {**kept, "trials": 1, **more}


def scorer(**kwargs):
    metrics = pytest.importorskip("sklearn.metrics")
    return metrics.make_scorer(metrics.fbeta_score, **kwargs)


@pytest.mark.parametrize(
    ("before", "now", "match"),
    [
        (
            lambda: {"metric": "average_precision", "positive": "no"},
            lambda: {"metric": "average_precision", "positive": "yes"},
            "'average_precision' looked at the class 'no', now at 'yes'",
        ),
        (
            lambda: {"metric": scorer(beta=0.1, pos_label="yes")},
            lambda: {"metric": scorer(beta=10, pos_label="no")},
            "beta of the metric 'fbeta_score' was 0.1, now 10; pos_label of .* was 'yes', now 'no'",
        ),
        (
            lambda: {"metric": scorer(beta=2, pos_label="yes")},
            lambda: {"metric": scorer(beta=2, pos_label="yes", greater_is_better=False)},
            "sign of the metric 'fbeta_score' was 1, now -1",
        ),
        (
            lambda: {"metric": cell(PROFIT)},
            lambda: {"metric": cell(PROFIT.replace("float(", "1000.0 * float("))},
            "'profit' computes something else: its code, or a value that it uses, is another one",
        ),
        (
            lambda: {"metric": "f1"},
            lambda: {"metric": cell(PROFIT.replace("profit", "f1") + "profit = f1")},
            "'f1' was a name, now a function",
        ),
    ],
)
def test_a_search_with_a_name_is_refused_for_another_metric(tmp_path, before, now, match):
    model = mw.fit(table(), "y", **asked(tmp_path, **before()))
    with pytest.raises(mw.StudyError, match=f"another search: .*{match}.*Nothing was changed"):
        mw.fit(table(), "y", **asked(tmp_path, trials=2, **now()))
    with pytest.raises(mw.StudyError, match=match):
        model.fit(table(), trials=1, verbose=0, **now())
    assert len(mw.fit(table(), "y", **asked(tmp_path, trials=2, **before())).leaderboard()) == 3


def test_a_function_that_is_made_anew_goes_on(tmp_path):
    model = mw.fit(table(), "y", metric=cell(PROFIT), **asked(tmp_path))
    spaced = PROFIT.replace("    return", "\n\n    # as it was\n    return").replace("y == p", "y==p")
    again = model.fit(table(), trials=1, metric=cell(spaced), verbose=0)
    assert len(again.leaderboard()) == 3


def test_a_class_that_makes_no_difference_goes_on(tmp_path):
    mw.fit(table(), "y", positive="no", **asked(tmp_path))
    assert len(mw.fit(table(), "y", positive="yes", **asked(tmp_path, trials=2)).leaderboard()) == 3


def test_a_search_of_before_goes_on(tmp_path):
    mw.fit(table(), "y", metric="f1", positive="no", **asked(tmp_path))
    store = open_store(tmp_path / "s.db")
    record = store.find("s")
    assert record is not None
    store.redefine(record.id, {name: one for name, one in record.definition.items() if name != METRIC})
    again = mw.fit(table(), "y", metric="f1", positive="no", **asked(tmp_path, trials=2))
    assert len(again.leaderboard()) == 3


USES = "def profit(y, p):\n    return share(y, p) * COSTS['good'] - np.sum(COST) + LOG\n"
COUNTS = "def profit(y, p):\n    SEEN.append(len(y))\n    global LOG\n    LOG = LOG + 1\n    return 1.0\n"


class Priced:
    def __init__(self, price):
        self.price, self.calls = price, 0

    def __call__(self, y, p):
        self.calls += 1
        return self.price * float((y == p).mean())


def of(price):
    return lambda y, p: price * float((y == p).mean())


def test_a_function_is_what_it_uses_too():
    known = {"COSTS": {"good": 1.0}, "COST": np.array([1.0, 2.0]), "LOG": 0.0, "share": of(2)}
    told = fingerprint(cell(USES, **known))
    assert fingerprint(cell(USES, **{**known, "COST": np.array([1.0, 2.0]), "share": of(2)})) == told
    for other in ({"COSTS": {"good": 2.0}}, {"COST": np.array([1.0, 3.0])}, {"LOG": 1.0}, {"share": of(3)}):
        assert fingerprint(cell(USES, **known | other)) != told
    assert fingerprint(Priced(1)) == fingerprint(Priced(1)) != fingerprint(Priced(2))
    assert fingerprint(partial(of(1), p=2)) == fingerprint(partial(of(1), p=2)) != fingerprint(partial(of(1), p=3))


def test_what_a_function_counts_is_no_part_of_it():
    counting = cell(COUNTS, SEEN=[], LOG=0)
    priced, made = Priced(1), (fingerprint(counting), fingerprint(Priced(1)))
    counting([1.0], [1.0])
    priced(np.ones(1), np.ones(1))
    assert (fingerprint(counting), fingerprint(priced)) == made


def test_functions_that_call_each_other_and_values_that_hold_themselves_end():
    source = "def other(n):\n    return profit(n - 1, LOG) if n else 1\n\ndef profit(y, p):\n    return other(y)\n"
    loop = []
    loop.append(loop)
    assert fingerprint(cell(source, LOG=loop)) == fingerprint(cell(source, LOG=loop))


def test_the_order_of_a_set_is_no_part_of_a_function():
    source = "def profit(y, p):\n    return p in {'a', 'b', 'c', 'd'}\n"
    assert fingerprint(cell(source)) != fingerprint(cell(source.replace("'d'", "'e'")))
    assert fingerprint({"a", "b", "c"}) == fingerprint({"c", "b", "a"})


def test_functions_of_packages_go_by_their_names():
    metrics = pytest.importorskip("sklearn.metrics")
    assert fingerprint(metrics.f1_score) != fingerprint(metrics.fbeta_score)
    assert fingerprint(metrics.f1_score) == fingerprint(metrics.f1_score.__wrapped__)
