"""Drawings and reasons that a study keeps, on the page and on the notebook card: shown, and never run."""

from __future__ import annotations

import base64
import html
import re
from dataclasses import replace

import pytest
from report_studies import lab

from modelwright.core import records as r
from modelwright.report.drawings import DRAWN, drawings
from modelwright.report.html import render, repr_html

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
NASTY = "\"'></figure><script>alert(1)</script>"


def view(drawn=None, trial=None, **more):
    found = replace(lab(12), **more)
    best = found.history.best().number if trial is None else trial
    shown = [{"title": "The network", "svg": SVG}] if drawn is None else drawn
    found.history.extend([r.Noted(kind=DRAWN, data={"trial": best, "drawings": shown})])
    return found


def shown(source):
    """The drawings of a page or a card, and the titles beside them."""
    found = re.findall(r'<img alt="([^"]*)" [^>]*src="data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)">', source)
    return [(html.unescape(title), base64.b64decode(content).decode()) for title, content in found]


def test_drawings_stand_on_the_page_and_the_first_on_the_card():
    both = view([{"title": "The network", "svg": SVG}, {"title": "What changed", "svg": SVG.replace("9", "8")}])
    page = render(both)
    assert shown(page) == [("The network", SVG), ("What changed", SVG.replace("9", "8"))]
    assert "img-src data:" in page and "What was found" in page
    assert shown(repr_html(both)) == [("The network", SVG)]


def test_a_study_without_drawings_or_reasons_has_no_sections_for_them():
    page = render(lab(12))
    assert "What was found" not in page and "Why it is the best" not in page and not shown(page)


def test_drawings_of_a_trial_that_is_no_longer_the_best_are_left_out():
    late = view(trial=0 if lab(12).history.best().number else 1)
    assert drawings(late) == ""


def test_what_a_drawing_holds_is_never_run():
    evil = SVG.replace("<rect", '<script>alert(1)</script><image href="https://example.org/x"/><rect')
    page = render(view([{"title": NASTY, "svg": evil}]))
    assert shown(page)[0][1] == evil  # inside an image nothing runs
    assert "alert(1)</script>" not in page and "example.org" not in page


@pytest.mark.parametrize(
    "drawn", ["text", None, [{"title": "a"}], [{"svg": SVG}], [{"title": "a", "svg": "<html>"}], [3], [{"svg": 3}]]
)
def test_notes_that_hold_no_drawings_are_passed_over(drawn):
    found = view()
    data = {"trial": found.history.best().number, "drawings": drawn}
    found.history.extend([r.Noted(kind=DRAWN, data=data)])
    assert drawings(found) == ""


def test_reasons_are_text():
    page = render(view(reasons=f"Trial 3 is the best.\n  {NASTY}\n"))
    assert "Why it is the best" in page and "Trial 3 is the best.\n  &quot;" in page
    assert "<script>alert" not in page
