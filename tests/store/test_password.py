"""Whoever reads what a command printed does not learn the password of the database."""

import subprocess
import sys
import textwrap

import pytest

SCRIPT = """
    import sys
    import modelwright as mw

    def function(hp):
        return hp.Float("x", 0.0, 1.0)

    if __name__ == "__main__":
        mw.tune(function, objective="minimize", strategy="random", trials=2, store=sys.argv[1], name="p", verbose=1)
"""


@pytest.fixture
def store(postgres, tmp_path):
    """A store whose address has a password, with a study; the server lets everybody in."""
    url = postgres.make("password").replace("tester@", "tester:s3cret@") + f"?files={tmp_path / 'files'}"
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    assert "s3cret" not in said(tmp_path, str(tmp_path / "script.py"), url)
    return url


def said(folder, *command):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_no_command_shows_the_password_of_its_store(store, tmp_path):
    for command in (
        ["doctor", store],
        ["doctor", store, "--json"],
        ["worker", store, "p"],
        ["show", "p", "--store", store],
        ["studies", "--json", "--store", store],
        ["workers", "--store", store],
        ["tune", "script.py:function", "--objective", "minimize", "--trials", "3", "--name", "t", "--store", store],
    ):
        assert "s3cret" not in said(tmp_path, "-m", "modelwright", *command), command
