"""The examples run, on few rows and for few epochs, and say what they promise to say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(name: str, folder: Path, **variables: str) -> str:
    """What an example prints in an empty folder, made small, progress included."""
    source = str(EXAMPLES.parent / "src")
    environment = {**os.environ, "MODELWRIGHT_SMALL": "1", "PYTHONPATH": source, "PYTHONUNBUFFERED": "1", **variables}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


@pytest.fixture
def without_fashion(monkeypatch, tmp_path):
    """Variables with which Fashion-MNIST is nowhere: no data, no cache, no way out."""
    return {
        "MODELWRIGHT_DATA": "",
        "KERAS_HOME": str(tmp_path / "keras"),
        "https_proxy": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "no_proxy": "",
    }


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda p: p.name)
def test_an_example_says_first_what_it_teaches(path):
    text = path.read_text(encoding="utf-8")
    assert re.match(r'"""[^"]+(Learn here|make demo)', text)


def test_plain_function(tmp_path):
    out = run("plain_function.py", tmp_path)
    assert re.search(r"^oven: 40 trials, best \d+\.\d", out, re.MULTILINE)
    assert re.search(r"^descent: lowest 0\.\d+ .* of 40 trials ended early$", out, re.MULTILINE)


def test_pytorch_loop(tmp_path):
    out = run("pytorch_loop.py", tmp_path)
    assert out.startswith("Skipped: this example needs PyTorch") or re.search(
        r"^best: 0\.\d+ at epoch", out, re.MULTILINE
    )


def test_fashion_mnist_lab(tmp_path):
    pytest.importorskip("keras")
    if not os.environ.get("MODELWRIGHT_DATA"):
        pytest.skip("MODELWRIGHT_DATA is not set; without the files the lab is the demo's fallback")
    out = run("fashion_mnist_lab.py", tmp_path)
    assert "digits" not in out
    assert len(re.findall(r"test accuracy 0\.\d+", out)) == 3
    assert (tmp_path / "fashion_mnist_lab.html").stat().st_size > 10_000


def test_the_demo_falls_back_to_the_digits_and_says_so(tmp_path, without_fashion):
    pytest.importorskip("keras")
    pytest.importorskip("sklearn")
    out = run("demo.py", tmp_path, **without_fashion)
    assert "takes the digits bundled with scikit-learn" in out
    assert "Top 5:" in out and re.search(r"difference [+-]0\.\d+, standard error 0\.\d+", out)
    (report,) = (tmp_path / ".modelwright").glob("*.html")
    assert report.resolve().as_uri() in out
    assert (tmp_path / ".modelwright" / "studies.db").exists()


def test_kill_and_resume(tmp_path):
    out = run("kill_and_resume.py", tmp_path)
    assert re.search(r"^30 trials, the same configurations and values; best ", out, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["auto", "bayesian", "random"])
def test_kill_and_resume_in_full(tmp_path, strategy):
    out = run("kill_and_resume.py", tmp_path, MODELWRIGHT_SMALL="", STRATEGY=strategy)
    assert out.count("   kill ") == 10
    assert re.search(r"^100 trials, the same configurations and values; best ", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("search_images.py", r"^accuracy on the test set: [01]\.\d{3}$"),
        ("search_table.py", r"^share of the variance explained on new rows: -?\d+\.\d{3}$"),
        ("search_signal.py", r"^accuracy on new signals: [01]\.\d{3}$"),
    ],
)
def test_searches_for_networks(tmp_path, name, said):
    assert re.search(said, run(name, tmp_path), re.MULTILINE)
