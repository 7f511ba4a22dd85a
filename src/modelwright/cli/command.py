"""One command: reads the command line, runs what it says, turns every ending into an exit code."""

from __future__ import annotations

import importlib
import sys
import traceback
from argparse import Namespace
from collections.abc import Callable, Sequence

from modelwright.cli.output import Exit, Output, UsageError, discard_output, exit_of, prepare_streams
from modelwright.cli.spoken import spoken_in
from modelwright.core.clock import process_began
from modelwright.core.errors import ModelwrightError


def carried_out(arguments: Sequence[str] | None = None, *, stopped: bool = False) -> int:
    """Run one command; see ``main``.

    Args:
        stopped: whether Ctrl-C came while this was imported.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    before_ends = words[: words.index("--")] if "--" in words else words
    began = process_began() if arguments is None else None
    out = Output(as_json="--json" in before_ends, quiet="--quiet" in before_ends or "-q" in before_ends)
    prepare_streams()
    try:
        code = _guarded(words, out, began, stopped)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # whoever read, as in "| head", has enough
        discard_output()
        code = Exit.OK
    except OSError as error:
        discard_output()
        code = out.error(Exit.INPUT, error, f"standard output: {error.strerror or error}")
    except KeyboardInterrupt:  # between the command's end and ours
        code = Exit.INTERRUPTED
    return int(code)


def _guarded(words: list[str], out: Output, began: float | None, stopped: bool) -> int:
    try:
        return _run(words, out, began, stopped)
    except KeyboardInterrupt as error:
        said, python, _ = str(error).partition(". Go on with mw.")
        onward = ". Go on with the same command and that --name" if python else ""
        return out.error(Exit.INTERRUPTED, error, f"interrupted: {said}{onward}" if said else "interrupted")
    except BrokenPipeError:
        raise
    except ModelwrightError as error:
        return out.error(exit_of(error), error)
    except OSError as error:  # a full disk, an output that cannot be written
        return out.error(Exit.INPUT, error, f"{error.filename or 'input or output'}: {error.strerror or error}")
    except Exception as error:
        told = "".join(traceback.format_exception(error))
        out.complain(told.rstrip())
        return out.error(Exit.INTERNAL, error, f"internal error, please report it: {type(error).__name__}: {error}")


def _run(words: list[str], out: Output, began: float | None, stopped: bool) -> int:
    try:
        if stopped:
            raise KeyboardInterrupt
        args, run = _command(words)
    except SystemExit as ended:  # --help and --version, which argparse prints itself
        return ended.code if isinstance(ended.code, int) else Exit.OK
    except KeyboardInterrupt:  # what a command needs takes a while to import
        raise KeyboardInterrupt("stopped before anything was done. Run the same again") from None
    out.as_json, out.quiet, args.began = args.json, args.quiet, began
    out.spoken = spoken_in(args.command, words)
    return run(args, out)


def _command(words: list[str]) -> tuple[Namespace, Callable[[Namespace, Output], int]]:
    """The arguments of a command, and the function that carries it out."""
    from modelwright.cli.parser import parse

    args = parse(words)
    for word in words:
        _check_text(word)
    module, _, name = args.run.partition(":")
    return args, getattr(importlib.import_module(module), name)


def _check_text(word: str) -> None:
    if not word.isprintable() and any("\ud800" <= char <= "\udfff" for char in word):
        raise UsageError(f"the argument {word!a} is not text in this locale's encoding", hint="Use UTF-8.")
