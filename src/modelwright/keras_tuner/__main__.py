"""``python -m modelwright.keras_tuner script.py args...`` runs a script that imports ``keras_tuner``, unchanged."""

from __future__ import annotations

import os
import runpy
import sys
import types

from modelwright.keras_tuner.aliases import install

USAGE = """usage: python -m modelwright.keras_tuner script.py [arguments]
       python -m modelwright.keras_tuner -m module [arguments]

Runs a script or a module; its "import keras_tuner" (or "kerastuner") finds Modelwright's drop-in."""


def main(arguments: list[str]) -> int:
    """Run what ``arguments`` name; 2 when they name nothing that can be run."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    if not arguments or (arguments[0].startswith("-") and arguments[0] != "-m") or arguments == ["-m"]:
        print(USAGE, file=sys.stderr)
        return 2
    install()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        sys.path[0] = os.getcwd()
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return 0
    return _run_script(arguments)


def _run_script(arguments: list[str]) -> int:
    path = arguments[0]
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec")
    except OSError as error:
        print(f"cannot read the script {path!r}: {error.strerror}", file=sys.stderr)
        return 2
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=path, __builtins__=__builtins__)
    # The module stays after the script has ended: threads and handlers at exit still use its names.
    sys.modules["__main__"] = module
    sys.argv = arguments
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    exec(code, module.__dict__)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
