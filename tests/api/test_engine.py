"""One study in several parts, through its engine's door."""

import modelwright as mw
from modelwright.api.engine import Engine
from modelwright.api.running import RunSettings
from modelwright.api.tune import open_study
from modelwright.core import records as r
from modelwright.core.objective import parse_objective
from modelwright.estimation.lookup import LookupTable
from modelwright.frontends.function import declared_tree
from modelwright.frontends.subject import Prepared
from modelwright.store.base import open_store
from modelwright.strategy import resolve
from modelwright.study.budget import Budget


def opened(trials=6):
    hp = mw.HyperParameters()
    hp.Int("x", -5, 5, default=0)
    squares = LookupTable(lambda config: [float(config["x"] ** 2)], metric="loss", steps=1)
    prepared = Prepared(
        estimation=squares, tree=declared_tree(hp), objectives=parse_objective(mw.Minimize("loss")), kind="function",
        described="x squared", closed=True,
    )  # fmt: skip
    asked = {"seed": 0, "artifacts": None, "keep_bytes": None, "pickled": False, "log": None}
    budget = Budget(trials=trials)
    store, strategy = open_store(":memory:"), resolve("random", steps=None)
    return open_study(prepared, strategy, store, None, budget, asked), RunSettings(
        estimation=prepared.estimation, budget=budget, verbose=0, needs_folder=False
    )


class Heard:
    def __init__(self):
        self.kinds = []

    def events(self, events):
        self.kinds += [type(event).__name__ for event in events]


def test_parts_have_settings_of_their_own_and_the_whole_keeps_its_budget():
    study, settings = opened(trials=6)
    engine = Engine(study, settings)
    engine.run(budget=Budget(trials=2))
    assert len(engine.history.rows) == 2 and engine.view().trials == 6
    assert engine.settings.budget.trials == 6
    engine.run()
    assert len(study.trials) == 6 and engine.stopped == study.stopped != ""


def test_what_is_written_between_parts_is_stored_and_told():
    study, settings = opened()
    engine, heard = Engine(study, settings), Heard()
    engine.observe(heard)
    engine.run(budget=Budget(trials=1))
    before = engine.elapsed
    engine.write([r.Noted(kind="remark", data={"n": 1})])
    assert [note.data for note in engine.history.notes if note.kind == "remark"] == [{"n": 1}]
    assert heard.kinds[-1] == "Noted" and "Finished" in heard.kinds
    assert engine.elapsed >= before


def test_it_knows_where_things_are():
    study, settings = opened()
    engine = Engine(study, settings)
    assert engine.name == study.name and engine.location == ":memory:"
    assert engine.space.default() == {"x": 0}
