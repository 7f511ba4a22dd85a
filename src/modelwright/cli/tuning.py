"""``modelwright tune``: a search, from the words of a command line to its result on standard output."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import shlex
import sys
import traceback
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from modelwright.api.recall import READ
from modelwright.cli.data import how_to_read, load_data
from modelwright.cli.looking import file_name
from modelwright.cli.output import Exit, Output, UsageError
from modelwright.cli.places import check_apart
from modelwright.cli.reading import check_target, store_file
from modelwright.cli.subject import CodeError, load
from modelwright.cli.warned import warned
from modelwright.core.errors import ArgumentError, ModelwrightError, ObjectiveError
from modelwright.core.objective import Objective, parse_objective
from modelwright.core.wording import without_password
from modelwright.report import text
from modelwright.report.summary import next_steps_told
from modelwright.report.view import StudyView
from modelwright.space.value import thaw

#: Classes that are listed for people; JSON has all.
_CLASSES = 30


def tune(args: Namespace, out: Output) -> int:
    """Run a search and print what it found."""
    if args.verbose and args.quiet:
        raise UsageError("--verbose and --quiet", where="tune", hint="Say one of them.")
    if args.trials is None and args.seconds is None:
        raise UsageError("say how much to spend", where="tune", allowed="--trials N, --seconds S, or both")
    if args.name is not None and not args.name.strip():
        raise UsageError("the name is empty", where="--name", hint="Leave it out for a generated one.")
    if args.report is not None:
        _check_report(args.report, args.store)
    check_target(args.store)
    showing = warned(out, code=True)
    with output_kept_clean(), next_steps_told(lambda view: next_commands(view, args.store)), showing:
        try:
            study, path = _search(args, out)
        except CodeError as error:
            show_code(error.__cause__, out)
            raise
    best = _result(study, path, out)
    if study.stopped == "interrupted":
        out.say(f"Interrupted. What was finished is kept; go on with the same command and --name {study.name}")
        return Exit.INTERRUPTED
    if not best:
        out.complain("modelwright: the budget ended before any trial had a value")
        return Exit.NO_MODEL
    return Exit.OK


def _search(args: Namespace, out: Output) -> tuple[Any, str]:
    import modelwright

    subject = load(args.subject, "SUBJECT")
    if isinstance(subject, type) and hasattr(subject, "build"):
        subject = _called(subject)
    objective = [_objective(word) for word in args.objective or ()]
    data, validation = _data(args)
    token = READ.set(how_to_read(args.data, args.target) if args.data is not None else None)
    try:
        study = modelwright.tune(
            subject,
            *data,
            objective=objective or None,
            strategy=args.strategy,
            trials=args.trials,
            seconds=args.seconds,
            workers=args.workers,
            store=args.store,
            name=args.name,
            seed=args.seed,
            verbose=0 if out.quiet else 2 if args.verbose else 1,
            validation_split=_share(args, objective, data, validation),
            validation_data=validation,
            epochs=args.epochs,
            steps=args.steps,
            batch_size=args.batch_size,
            cv=args.cv,
            confirm=args.confirm,
            min_gain=args.min_gain,
            trial_seconds=args.trial_seconds,
            trial_memory=args.trial_memory,
            first=[config_of(word) for word in args.first] if args.first else None,
            results=args.results,
            transfer=args.transfer,
            constraints=args.constraint or (),
        )
    except ObjectiveError as error:
        if objective:
            raise
        hint = "Write --objective val_accuracy, or minimize or maximize for a function that returns a number, or "
        model = "" if data else " A build(hp) that returns a model needs --data too."
        raise ObjectiveError(error.what, where="--objective", hint=f"{hint}min:NAME or max:NAME.{model}") from None
    except ModelwrightError as error:
        if data or not any(said in error.what for said in ("no data was given", "0 data sets")):
            raise
        hint = "Add --data FILE.npz, --data FILE.csv with --target, or --data module:function."
        raise type(error)(error.what, where=args.subject, hint=hint) from None
    except (Exception, SystemExit) as error:
        if is_ours(error):
            raise
        raise CodeError(f"it raised {type(error).__name__}: {error}", where=args.subject) from error
    finally:
        READ.reset(token)
    if args.report is None:
        return study, ""
    try:
        return study, str(study.report(args.report))
    except OSError as error:
        raise ArgumentError(f"cannot be written: {error.strerror or error}", where=args.report) from error


def config_of(word: str) -> dict[str, Any]:
    """A configuration on a command line: ``lr=0.001,units=64``, or a JSON object where values hold commas.

    >>> config_of("lr=1e-3,units=64,act=relu"), config_of('{"lr": 0.001}')
    ({'lr': 0.001, 'units': 64, 'act': 'relu'}, {'lr': 0.001})
    """
    allowed = "lr=0.001,units=64, or a JSON object"
    if word.lstrip().startswith("{"):
        try:
            found = json.loads(word)
        except ValueError as error:
            raise UsageError(f"{word!r:.60} is no JSON: {error}", where="--first", allowed=allowed) from None
        return {name: thaw(value) for name, value in found.items()}
    parts = [part.partition("=") for part in word.split(",")]
    if not all(name.strip() and sign for name, sign, _ in parts):
        raise UsageError(f"{word!r:.60} is no configuration", where="--first", allowed=allowed)
    return {name.strip(): _value(text) for name, _, text in parts}


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        return text.strip()


def _data(args: Namespace) -> tuple[tuple[Any, ...], Any]:
    if args.data is None:
        if args.target is not None:
            raise UsageError("there is no data it could be a column of", where="--target", hint="Give --data FILE.csv")
        return (), None
    data, validation = load_data(args.data, args.target)
    if validation is not None and (args.validation_split is not None or args.cv is not None):
        raise UsageError("the data bring their own validation rows", where="--data", hint="Leave the split out.")
    return data, validation


def _share(args: Any, objective: list[Objective], data: Any, validation: Any) -> float | None:
    """Rows kept for validation: as asked, or a fifth when a ``val_`` objective needs some and none were given."""
    needed = any(o.name.startswith("val_") for o in objective) and data and validation is None and args.cv is None
    return 0.2 if needed and args.validation_split is None else args.validation_split


def _objective(word: str) -> Objective:
    """``min:NAME``, ``max:NAME``, or a name whose direction is known."""
    direction, colon, name = word.partition(":")
    if colon and name and direction in ("min", "max"):
        return Objective(name, "min" if direction == "min" else "max")
    try:
        return parse_objective(word)[0]
    except ObjectiveError as error:
        hint = f"Write --objective min:{word} or --objective max:{word}."
        guess = error.hint.partition("Did you mean ")[2]
        hint += f" Did you mean {guess}" if guess else ""
        raise ObjectiveError(error.what, where="--objective", hint=hint) from None


def _called(kind: Any) -> Any:
    try:
        return kind()
    except (Exception, SystemExit) as error:
        raise CodeError(f"{kind.__name__}() raised {type(error).__name__}: {error}", where="SUBJECT") from error


def _check_report(path: str, store: str | None) -> None:
    """Say before the search, not after it, that the report has no place, another ending, or that of the store."""
    from modelwright.report.html import check_ending

    check_ending(Path(path), "--report", also=" For tables: modelwright export.")
    folder = Path(path).expanduser().parent
    if not folder.is_dir():
        raise ArgumentError(f"there is no folder {str(folder)!r}", where="--report")
    if Path(path).is_dir():
        raise ArgumentError(f"{path!r} is a folder", where="--report", allowed="a file")
    check_apart(Path(path), {"the store": store_file(store)})


def next_commands(view: StudyView, store: str | None) -> list[str]:
    """What to do with the study, for a shell."""
    more = f" --store {shlex.quote(without_password(store))}" if store is not None else ""
    name = shlex.quote(text.clean(view.name))
    name = f"-- {name}" if view.name.startswith("-") else name
    file = file_name(view.name)
    outputs = {"report": f" -o {shlex.quote(f'{file}.html')}", "export": f" -o {shlex.quote(f'{file}.csv')}"}
    found = view.history.best() is not None
    return [
        f"modelwright {c}{more}{outputs.get(c, '')} {name}" for c in (("show", "report", "export")[: 3 if found else 1])
    ]


# --- what comes out -----------------------------------------------------------------------------------


def _result(study: Any, path: str, out: Output, classes: Sequence[Any] | None = None) -> bool:
    """Print the result; whether there is one.

    Args:
        classes: what the outputs of a network stand for, in their order.
    """
    from modelwright.api.running import view_of
    from modelwright.report.export import records
    from modelwright.report.view import counts

    view = view_of(study)
    found = _best(study)
    body: dict[str, Any] = {
        "study": study.name,
        "store": view.store,
        "trials": len(view.history.rows),
        "states": counts(view),
        "elapsed": view.time,
        "stopped": study.stopped,
        "best": None if found is None else records(view)[found.number],
    }
    if path:
        body["report"] = path
    if classes is not None:
        body["classes"] = list(classes)
    if out.as_json:
        out.document(body)
    else:
        out.data(_plain(body, view.objectives, found))
    return found is not None


def _best(study: Any) -> Any:
    try:
        return study.best
    except ModelwrightError:
        return None


def _plain(body: dict[str, Any], objectives: Any, best: Any) -> str:
    states = ", ".join(f"{n} {state}" for state, n in body["states"].items())
    lines = [f"study: {text.clean(body['study'])}", f"trials: {body['trials']}" + (f" ({states})" if states else "")]
    lines.append(f"stopped: {text.clean(body['stopped'])}")
    if best is not None:
        lines.append(f"best: {best.number}")
        lines += [f"{text.clean(o.name)}: {value!r}" for o, value in zip(objectives, best.values or ())]
        lines.append("config:")
        lines += [f"  {text.clean(name)}: {text.clean(repr(value))}" for name, value in best.config.items()]
    if body.get("classes"):
        lines.append(f"classes: {_listed(body['classes'])}")
    if "report" in body:
        lines.append(f"report: {text.clean(body['report'])}")
    return "\n".join(lines)


def _listed(classes: Sequence[Any]) -> str:
    """Labels with their places among the outputs, the first of many."""
    shown = ", ".join(f"{place}={text.clean(str(label), 60)}" for place, label in enumerate(classes[:_CLASSES]))
    return f"{shown}, ... {len(classes):,} in all" if len(classes) > _CLASSES else shown


# --- other people's output and errors -----------------------------------------------------------------


@contextlib.contextmanager
def output_kept_clean() -> Iterator[None]:
    """Within, whatever is printed, by worker processes and libraries too, goes to standard error.

    Standard output is for the result alone.
    """
    stream, saved = sys.stdout, None
    with contextlib.suppress(AttributeError, OSError, ValueError):
        if stream.fileno() == 1 and sys.stderr.fileno() == 2:
            stream.flush()
            saved = os.dup(1)
            os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        if saved is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
            os.dup2(saved, 1)
            os.close(saved)


def is_ours(error: BaseException) -> bool:
    """Whether an error was raised by a line of Modelwright: then it is a mistake of ours.

    What a worker process sent has lost its frames: the loop, which raises it again, is the innermost one.
    """
    last = traceback.extract_tb(error.__traceback__)[-1]
    again = last.name == "run" and last.filename.endswith(os.path.join("study", "loop.py"))
    return last.filename.startswith(_HERE) and not again


def show_code(error: BaseException | None, out: Output) -> None:
    """The user's own part of a traceback."""
    if error is None:
        return
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith((_HERE, "<frozen"))]
    shown = ["Traceback (most recent call last):\n", *traceback.format_list(frames)]
    out.complain("".join([*shown, *traceback.format_exception_only(error)]).rstrip())


_HERE = str(Path(__file__).resolve().parents[1])
