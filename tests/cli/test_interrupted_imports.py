"""Ctrl-C while a command is still being imported."""

import subprocess
import sys

import pytest

#: Ctrl-C, once, when a package is asked for.
PRESSED = """
import os, runpy, signal, sys

# What is started in the background by a shell is born deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

class Pressed:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Pressed())
sys.argv[0] = "modelwright"
"""
WAYS = {
    "the command": "from modelwright.cli.main import main; sys.exit(main())",
    "python -m modelwright": "runpy.run_module('modelwright', run_name='__main__', alter_sys=True)",
}


@pytest.mark.parametrize("way", WAYS)
def test_it_is_said_in_one_line_with_the_exit_code_of_an_interruption(way, tmp_path):
    command = [sys.executable, "-c", PRESSED + WAYS[way], "fit", "t.csv", "--target", "y"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 130
    assert done.stderr.splitlines() == [
        "modelwright: interrupted: stopped before anything was done. Run the same again"
    ]
