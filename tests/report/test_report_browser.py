"""The report in a real browser: no errors, no requests, and the script does what it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from report_studies import lab, trial, view_of

from modelwright.report.html import write

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here (Debian: apt-get install chromium)")

FLAGS = """--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update
--disable-sync --no-first-run --hide-scrollbars --allow-file-access-from-files --enable-logging=stderr
--virtual-time-budget=30000 --host-resolver-rules=MAP*~NOTFOUND""".split()

HOST = """<!doctype html><meta charset="utf-8"><pre id="out"></pre>
<iframe src="lab.html" style="width:WIDTHpx;height:900px;border:0"></iframe><script>
const frame = document.querySelector("iframe"), pause = () => new Promise((done) => setTimeout(done, 100));
const wait = async (ready) => { for (let i = 0; i < 100 && !ready(); i++) await pause(); };
frame.addEventListener("load", async () => {
  const out = {}, win = frame.contentWindow, doc = frame.contentDocument;
  try {
    out.overflow = doc.documentElement.scrollWidth - win.innerWidth;
    const svg = doc.querySelector("#history svg"), path = svg.querySelector("path[data-n]");
    const [, x, y] = path.getAttribute("d").match(/M([\\d.]+) ([\\d.]+)/);
    svg.scrollIntoView();
    const at = new win.DOMPoint(+x, +y).matrixTransform(svg.getScreenCTM());
    svg.dispatchEvent(new win.PointerEvent("pointermove", { clientX: at.x, clientY: at.y, bubbles: true }));
    await wait(() => doc.getElementById("tip").textContent && doc.querySelector("tr.on .n"));
    out.trial = path.dataset.n.split(" ")[0];
    out.tip = doc.getElementById("tip").textContent;
    out.rings = doc.querySelectorAll("circle.dot").length;
    out.curves = doc.querySelectorAll("#curves .hi").length;
    out.row = doc.querySelector("tr.on .n").textContent;
    svg.dispatchEvent(new win.PointerEvent("pointerleave"));
    await wait(() => !doc.querySelector(".hi, .dot, tr.on"));
    out.left = doc.querySelectorAll(".hi, .dot, tr.on").length;
    const heads = [...doc.querySelectorAll("#table th")], column = heads.findIndex((h) => h.textContent === "time");
    const times = () => [...doc.querySelectorAll("#table tbody tr")].map((r) => Number(r.cells[column].dataset.v));
    heads[column].querySelector("button").click();
    out.ascending = times();
    heads[column].querySelector("button").click();
    out.descending = times();
    out.sorted = heads[column].getAttribute("aria-sort");
    const input = doc.querySelector("#filter input");
    input.value = "failed";
    input.dispatchEvent(new win.Event("input"));
    out.filtered = [...doc.querySelectorAll("#table tbody tr")].filter((r) => !r.hidden).length;
    const grab = doc.querySelector(".grab"), wide = grab.closest("svg"), box = grab.getBBox();
    grab.setPointerCapture = () => {};
    const send = (kind, px, py) => {
      const p = new win.DOMPoint(px, py).matrixTransform(wide.getScreenCTM());
      grab.dispatchEvent(new win.PointerEvent(kind, { clientX: p.x, clientY: p.y, bubbles: true, pointerId: 1 }));
    };
    send("pointerdown", box.x + 9, box.y);
    send("pointermove", box.x + 9, box.y + box.height / 2);
    send("pointerup", box.x + 9, box.y + box.height / 2);
    out.lines = wide.querySelectorAll("path[data-t]").length;
    out.faint = wide.querySelectorAll("path.out").length;
    send("pointerdown", box.x + 9, box.y + 3);
    send("pointerup", box.x + 9, box.y + 3);
    out.released = wide.querySelectorAll("path.out").length;
    const before = win.getComputedStyle(doc.body).backgroundColor;
    doc.getElementById("theme").click();
    out.themes = [before, win.getComputedStyle(doc.body).backgroundColor];
    out.hidden = doc.querySelectorAll("#theme[hidden], #filter[hidden]").length;
  } catch (error) { out.error = String(error.stack || error); }
  document.getElementById("out").textContent = JSON.stringify(out);
});</script>"""


def browse(folder: Path, page: str, *more: str) -> tuple[str, list[str]]:
    """The DOM after the page's script ran, and what the console said."""
    here = [f"--user-data-dir={folder / 'profile'}", "--dump-dom", f"file://{folder / page}"]
    command = [CHROMIUM or "", *FLAGS, *more, *here]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return ran.stdout, [line for line in ran.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize("width", [390, 1440])
def test_a_person_can_point_sort_filter_and_choose(tmp_path, width):
    write(lab(60), tmp_path / "lab.html")
    (tmp_path / "host.html").write_text(HOST.replace("WIDTH", str(width)), encoding="utf-8")
    dom, console = browse(tmp_path, "host.html")
    found = re.search(r'<pre id="out">([^<]+)</pre>', dom)
    assert found, dom[:500]
    out = json.loads(found[1].replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))
    assert "error" not in out and console == []
    assert out["overflow"] <= 0, "the page is wider than the window"
    assert out["tip"].startswith(f"Trial {out['trial']}: complete\nval_accuracy = 0.")
    assert out["row"] == out["trial"] and out["rings"] >= 5 and out["curves"] == 1 and out["left"] == 0
    assert out["ascending"] == sorted(out["ascending"]) and out["descending"] == out["ascending"][::-1]
    assert out["sorted"] == "descending" and out["filtered"] == 3
    assert 0 < out["faint"] < out["lines"] and out["released"] == 0
    assert out["themes"][0] != out["themes"][1] and out["hidden"] == 0


def test_hostile_text_runs_nothing(tmp_path):
    nasty = "</script><script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
    trials = [trial(i, {nasty: f"{nasty}{i}", "x": i}, (float(i),)) for i in range(6)]
    write(view_of(*trials, name=nasty, model=nasty), tmp_path / "nasty.html")
    dom, console = browse(tmp_path, "nasty.html")
    assert console == [] and "<title>run</title>" not in dom and "<img" not in dom
    assert 'id="theme">' in dom, "the page's own script ran"


def test_a_thousand_trials_open_without_an_error(tmp_path):
    write(lab(1000), tmp_path / "large.html")
    dom, console = browse(tmp_path, "large.html")
    assert console == [] and dom.count('class="n"') == 1000


WITHOUT_SCRIPTS = """<!doctype html><meta charset="utf-8"><pre id="out"></pre>
<iframe src="lab.html" sandbox="allow-same-origin" style="width:800px;height:900px;border:0"></iframe><script>
document.querySelector("iframe").addEventListener("load", (event) => {
  const doc = event.target.contentDocument;
  const seen = (e) => e.getClientRects().length > 0;
  const count = (what) => [...doc.querySelectorAll(what)].filter(seen).length;
  document.getElementById("out").textContent = JSON.stringify({
    ran: doc.getElementById("tip") !== null, offered: count("button, input, .js"), charts: count("svg.chart"),
    rows: count("#table tbody tr"), model: count("pre"), text: doc.body.innerText,
  });
});</script>"""


def test_without_scripts_the_page_is_whole_and_offers_nothing_that_does_nothing(tmp_path):
    write(lab(30, model="dense  (None, 10)  7,850"), tmp_path / "lab.html")
    (tmp_path / "host.html").write_text(WITHOUT_SCRIPTS, encoding="utf-8")
    dom, _ = browse(tmp_path, "host.html")
    found = re.search(r'<pre id="out">([^<]+)</pre>', dom)
    assert found, dom[:500]
    out = json.loads(found[1].replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))
    assert not out["ran"] and out["offered"] == 0
    assert out["charts"] >= 10 and out["rows"] == 30 and "dense  (None, 10)  7,850" in out["text"]
