"""What a search keeps of how its result looks."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.nas.drawn import DRAWN, drawings


def define(hp, x):
    for i in range(hp.Int("depth", 1, 3)):
        x = x.conv(hp.Choice(f"filters{i}", [8, 16]), 3, stride=2).relu()
    return x.global_avg_pool().dense(10)


SPACE = nas.Architecture(define, (28, 28, 1))


def history(config):
    made = History((Objective("acc", "max"),))
    made.extend([r.Proposed(number=0, config=config), r.Started(number=0),
                 r.Finished(number=0, state="complete", values=(0.5,))])  # fmt: skip
    return made


def test_the_network_is_drawn_and_its_difference_to_the_default():
    found = drawings(SPACE, history({"depth": 2, "filters0": 16, "filters1": 8}))
    assert found["trial"] == 0 and len(found["drawings"]) == 2
    for one in found["drawings"]:
        assert ET.fromstring(one["svg"]).tag.endswith("svg") and one["title"]
    assert "+ added" in found["drawings"][1]["svg"] and "~ changed" in found["drawings"][1]["svg"]


def test_the_default_has_no_difference_to_itself():
    assert len(drawings(SPACE, history(SPACE.tree.default()))["drawings"]) == 1


def test_nothing_is_drawn_twice_and_nothing_without_a_winner():
    made = history(SPACE.tree.default())
    made.extend([r.Noted(kind=DRAWN, data=drawings(SPACE, made))])
    assert drawings(SPACE, made) is None
    assert drawings(SPACE, History((Objective("acc", "max"),))) is None


def test_networks_of_another_space_are_not_drawn():
    assert drawings(SPACE, history({"depth": "seven"})) is None


def test_a_search_keeps_its_drawings_for_its_report_and_its_card(tmp_path):
    pytest.importorskip("keras")
    x = np.random.default_rng(0).normal(size=(200, 3))
    over = nas.Architecture(lambda hp, x: x.dense(hp.Int("units", 4, 16, step=4)).relu().dense(2), (3,))
    store = str(tmp_path / "s.db")
    study = mw.nas.search(over, x, x[:, 0] > 0, trials=2, epochs=2, store=store, name="s", verbose=0)
    pages = [study.report(tmp_path / "a.html"), mw.load_study("s", store=store).report(tmp_path / "b.html")]
    for page in pages:
        text = page.read_text()
        assert len(re.findall("data:image/svg", text)) >= 1 and "What was found" in text
        assert "What the search did:" in text
    assert "data:image/svg" in study._repr_html_()
