"""The commands and their options. ``docs/cli.md`` describes the same ones, and a test compares the two."""

from __future__ import annotations

import argparse
import difflib
import re
import textwrap
from collections.abc import Sequence
from typing import Any, NoReturn

import modelwright
from modelwright.cli import figures, pairs
from modelwright.cli.misplaced import refuse_before
from modelwright.cli.output import UsageError


class _Help(argparse.HelpFormatter):
    """Names with a hyphen stay whole, so that they can be copied and found."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing to standard error and leaving, so that ``--json`` holds for mistakes too."""

    def error(self, message: str) -> NoReturn:
        command = self.prog.partition(" ")[2]
        if not command and message.endswith("required: COMMAND"):
            commands = next(a for a in self._actions if isinstance(a, argparse._SubParsersAction)).choices
            raise UsageError("no COMMAND is given", allowed=", ".join(commands), hint=f"See: {self.prog} --help")
        raise UsageError(message, where=command, hint=f"{_near_choice(message)}See: {self.prog} --help")


def _near_choice(message: str) -> str:
    """What was meant, where argparse says that a word is none of its choices.

    >>> _near_choice("argument COMMAND: invalid choice: 'studys' (choose from 'tune', 'studies')")
    'Did you mean studies? '
    """
    found = re.search(r"invalid choice: (.+) \(choose from (.+)\)", message)
    if found is None:
        return ""
    given, *known = [word.strip(" '\"") for word in (found[1], *found[2].split(","))]
    near = difflib.get_close_matches(given, known, n=1)
    return f"Did you mean {near[0]}? " if near else ""


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line as options; ``run`` names the function that carries the command out.

    Raises:
        UsageError: it cannot be understood.
        SystemExit: it asked for help or the version, which is printed.
    """
    made = parser()
    commands = next(a for a in made._actions if isinstance(a, argparse._SubParsersAction))
    options = {
        name: [word for action in command._actions for word in action.option_strings]
        for name, command in commands.choices.items()
    }
    refuse_before(words, options)
    args, unknown = made.parse_known_args(words)
    if unknown:
        known = options[args.command]
        near = difflib.get_close_matches(unknown[0].partition("=")[0], known, n=1)
        guess = f"Did you mean {near[0]}? " if near else ""
        hint = f"{guess}See: modelwright {args.command} --help"
        raise UsageError(f"unrecognized arguments: {' '.join(unknown)}", where=args.command, hint=hint)
    return args


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; ``args.run`` names the function that carries a command out."""
    made = _Parser(
        prog="modelwright",
        description="Search for models: tune them, and look after the studies that searches leave.",
        epilog="To begin: modelwright tune FILE.py:NAME --objective minimize --trials 20, then modelwright studies. "
        "What a command takes: modelwright COMMAND --help. Exit codes: 0 fine, 1 internal error, 2 usage, 3 bad data "
        "or configuration, 4 the budget ended without a valid model, 5 store unavailable or incompatible, 6 not "
        "allowed, 130 interrupted.",
        allow_abbrev=False,
    )
    made.add_argument("--version", action="version", version=f"modelwright {modelwright.__version__}")
    commands = made.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    tune = _command(commands, "tune", "search for good hyperparameters", "modelwright.cli.tuning:tune")
    tune.epilog = (
        "For example: modelwright tune lab.py:build --data digits.npz --objective val_accuracy --epochs 10 --trials 30"
    )
    _tune(tune)
    _nas(_command(commands, "nas", "search for a network", "modelwright.cli.architectures:nas"))
    _tables(commands)
    _command(commands, "studies", "list the studies of a store", "modelwright.cli.looking:studies")
    show = _command(commands, "show", "what a study found", "modelwright.cli.looking:show")
    _name(show)
    show.add_argument("--trials", type=figures.count, default=10, metavar="N", help="how many of the best trials (10)")
    show.add_argument(
        "--trial", type=figures.count, metavar="N", help="one trial, with all that is known of it, instead"
    )
    show.add_argument("--log", action="store_true", help="with --trial: what it printed and logged")
    show.add_argument("--importance", action="store_true", help="what mattered, parameter by parameter, instead")
    _worker(_command(commands, "worker", "join a study and run trials of it", "modelwright.cli.worker:worker"))
    workers = _command(commands, "workers", "who runs trials at the moment", "modelwright.cli.members:workers")
    workers.add_argument("name", nargs="?", metavar="STUDY", help="one study (all of the store)")
    said = "write one HTML file about a study or a model"
    _report(_command(commands, "report", said, "modelwright.cli.looking:report"))
    export = _command(commands, "export", "the trials as CSV, JSON or Parquet", "modelwright.cli.looking:export")
    _name(export)
    export.add_argument("--format", choices=("csv", "json", "parquet"), help="(by the ending of FILE, else csv)")
    export.add_argument("-o", "--output", metavar="FILE", help="where to (standard output)")
    cancel = _command(commands, "cancel", "stop a search that runs elsewhere", "modelwright.cli.changing:cancel")
    _name(cancel)
    cancel.add_argument("--trial", type=figures.count, metavar="N", help="only this trial, for good")
    delete = _command(commands, "delete", "remove a study with all its files", "modelwright.cli.changing:delete")
    _name(delete)
    delete.add_argument("-y", "--yes", action="store_true", help="do not ask")
    clean = _command(commands, "clean", "remove files that no trial needs any more", "modelwright.cli.changing:clean")
    _name(clean)
    clean.add_argument("-n", "--dry-run", action="store_true", help="only say which files would go")
    copy = _command(commands, "copy", "copy a study with its files to a store", "modelwright.cli.changing:copy")
    _name(copy)
    copy.add_argument("--to", required=True, metavar="STORE", help="the store to copy to; made when absent")
    copy.add_argument("--as", dest="new_name", metavar="NEW", help="name of the copy (the same)")
    optuna = _command(
        commands, "import-optuna", "read a study out of Optuna's SQLite file", "modelwright.cli.changing:import_optuna"
    )
    optuna.add_argument("source", metavar="FILE", help="the file, or sqlite:///FILE")
    optuna.add_argument("--study", metavar="NAME", help="which study (the only one)")
    optuna.add_argument("--as", dest="new_name", metavar="NEW", help="name here (the same)")
    doctor = _command(commands, "doctor", "check this machine and a store", "modelwright.cli.doctor:doctor")
    doctor.add_argument("place", nargs="?", metavar="STORE", help="the store (--store, or the one of this folder)")
    doctor.add_argument("--strict", action="store_true", help="exit code 1 for warnings too")
    return made


def options_of(command: str) -> dict[str, tuple[str, str]]:
    """Options of a command: name -> how it is written, and what its value is called in help."""
    commands = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
    known = [one for one in commands[command]._actions if one.option_strings]
    return {one.dest: (one.option_strings[-1], str(one.metavar or one.dest.upper())) for one in known}


def _command(commands: Any, name: str, text: str, run: str) -> argparse.ArgumentParser:
    told = text[0].upper() + text[1:] + "."
    made = commands.add_parser(name, help=text, description=told, allow_abbrev=False, formatter_class=_Help)
    made.set_defaults(run=run)
    made.add_argument("--store", metavar="STORE", help="a file of studies (./.modelwright/studies.db)")
    made.add_argument("--json", action="store_true", help="print JSON, errors too")
    made.add_argument("-q", "--quiet", action="store_true", help="no messages but errors")
    return made


def _name(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="name of the study; modelwright studies lists them")


def _tune(add: argparse.ArgumentParser) -> None:
    add.add_argument(
        "subject", metavar="SUBJECT", help="what is tuned, a function of hp: module:name or path/to/file.py:name"
    )
    add.add_argument("--data", metavar="X", help="data.npz, data.csv, or module:function that returns (x, y)")
    add.add_argument("--target", metavar="COLUMN", help="the column of a CSV file that is to be predicted")
    add.add_argument(
        "--objective",
        action="append",
        metavar="METRIC",
        help="val_accuracy, minimize or maximize (what the function returns), min:METRIC or max:METRIC; again for a "
        "Pareto front",
    )
    add.add_argument(
        "--trials", type=figures.positive, metavar="N", help="configurations to start, in all sessions together"
    )
    add.add_argument("--seconds", type=figures.seconds, metavar="S", help="running time, in all sessions together")
    add.add_argument(
        "--strategy",
        default="auto",
        metavar="NAME",
        help="auto, random, grid, sobol, bayesian, tpe, evolution, local, reinforce, controller, progressive, "
        "cma-es, asha, hyperband, successive-halving or freeze-thaw (auto)",
    )
    add.add_argument("--workers", type=figures.positive, default=1, metavar="N", help="processes that run trials (1)")
    add.add_argument("--epochs", type=figures.positive, metavar="N", help="epochs of a fully trained model")
    add.add_argument(
        "--steps", type=figures.positive, metavar="N", help="the step at which a reporting function is done"
    )
    add.add_argument("--batch-size", type=figures.positive, metavar="N", help="as in model.fit")
    add.add_argument(
        "--validation-split",
        type=figures.share,
        metavar="P",
        help="share of rows for validation (0.2 where needed)",
    )
    add.add_argument("--cv", type=figures.folds, metavar="N", help="folds for cross-validation")
    add.add_argument(
        "--min-gain", type=figures.number_or("noise"), metavar="G", help="end when more trials gain less; or: noise"
    )
    add.add_argument("--trial-seconds", type=figures.seconds, metavar="S", help="end a trial that takes longer")
    add.add_argument("--trial-memory", metavar="SIZE", help="end a trial whose processes hold more, such as 2GB")
    add.add_argument("--confirm", type=figures.count, default=0, metavar="N", help="run so many of the best again (0)")
    add.add_argument("--seed", type=figures.whole, default=0, metavar="N", help="the same seed, the same search (0)")
    add.add_argument(
        "--first",
        action="append",
        metavar="CONFIG",
        help="a configuration to try right after the defaults: lr=0.001,units=64, or JSON; again for more",
    )
    add.add_argument(
        "--constraint",
        action="append",
        metavar="EXPR",
        help="what a trial must satisfy to count, such as 'params <= 200_000'; again for more",
    )
    add.add_argument("--results", metavar="FILE.csv", help="results to start from: a column for each name")
    add.add_argument("--transfer", action="append", metavar="NAME", help="an earlier study to learn from (again: more)")
    add.add_argument("--name", metavar="NAME", help="of the study; an existing one goes on")
    add.add_argument("--report", metavar="FILE", help="write an HTML file about the study at the end")
    add.add_argument("-v", "--verbose", action="store_true", help="say every report and decision")


def _nas(add: argparse.ArgumentParser) -> None:
    add.epilog = "For example: modelwright nas --data images/ --seconds 3600 --constraint 'params <= 200_000'"
    add.add_argument(
        "--data",
        required=True,
        metavar="X",
        help="a folder of images per class, data.npz, data.csv, or module:function",
    )
    add.add_argument("--target", metavar="COLUMN", help="the column of a CSV file that is to be predicted")
    add.add_argument(
        "--space",
        choices=("chain", "branches", "cells", "mobile", "tabular", "nasbench201"),
        help="what may be built (chain; tabular for features)",
    )
    add.add_argument("--task", choices=("multiclass", "multilabel", "regression"), help="(what the target shows)")
    add.add_argument(
        "--class-weight",
        action="append",
        metavar="LABEL=W",
        help="how much a class counts; again for more; or balanced",
    )
    add.add_argument(
        "--seconds",
        type=figures.seconds,
        metavar="S",
        help="for all of it, reading the data included, in all sessions together",
    )
    add.add_argument("--trials", type=figures.positive, metavar="N", help="networks to start, in all sessions together")
    add.add_argument("--objective", metavar="METRIC", help="val_accuracy, min:METRIC or max:METRIC (by the target)")
    add.add_argument(
        "--constraint", action="append", metavar="EXPR", help="such as 'params <= 200_000'; again for more"
    )
    add.add_argument("--strategy", metavar="NAME", help="leads the race in place of the plan's own model")
    add.add_argument("--no-plan", action="store_true", help="train each network in full, with one strategy")
    add.add_argument(
        "--validation", type=figures.share, default=0.15, metavar="P", help="share of rows to judge by (0.15)"
    )
    add.add_argument(
        "--image-size",
        type=figures.positive,
        metavar="N",
        help="pixels to which images are brought (the study's, or the most common)",
    )
    add.add_argument("--epochs", type=figures.positive, metavar="N", help="of the training in full, with --trials (10)")
    add.add_argument(
        "--workers", type=figures.positive, default=1, metavar="N", help="processes that train networks (1)"
    )
    add.add_argument("--seed", type=figures.whole, default=0, metavar="N", help="the same seed, the same search (0)")
    add.add_argument("--save", metavar="FILE.keras", help="write the best model, as plain Keras")
    add.add_argument("--name", metavar="NAME", help="of the study; an existing one goes on")
    add.add_argument("--report", metavar="FILE", help="write an HTML file about the study at the end")


def _report(add: argparse.ArgumentParser) -> None:
    _name(add)
    add.add_argument("-o", "--output", metavar="FILE", help="where to (NAME.html)")
    _trusting(add)


def _trusting(add: argparse.ArgumentParser) -> None:
    add.add_argument("--trust", action="store_true", help="read members that cannot be looked at before (mw.load)")


def _tables(commands: Any) -> None:
    _fit(_command(commands, "fit", "find the best model for a table", "modelwright.cli.fitting:fit"))
    predict = _command(commands, "predict", "predict the rows of a table", "modelwright.cli.fitting:predict")
    predict.add_argument("model", metavar="MODEL", help="the file that fit wrote")
    predict.add_argument("table", metavar="TABLE", help="a CSV or Parquet file; - for standard input")
    predict.add_argument("--proba", action="store_true", help="the probability of each class too")
    predict.add_argument("--explain", type=figures.positive, metavar="N", help="the N cells that matter most, too")
    predict.add_argument("-o", "--output", metavar="FILE", help="where to: .csv, .tsv or .parquet (standard output)")
    leaderboard = _command(commands, "leaderboard", "what a fit tried", "modelwright.cli.fitting:leaderboard")
    leaderboard.add_argument("model", metavar="MODEL", help="the file that fit wrote")
    leaderboard.add_argument("--test", metavar="FILE", help="a table to score the members on, with the target")
    leaderboard.add_argument("--metric", metavar="NAME", help="of those scores (that of the fit)")
    for add in (predict, leaderboard):
        _trusting(add)
    _check(_command(commands, "check", "what in a table spoils a model", "modelwright.cli.checking:check"))


def _fit(add: argparse.ArgumentParser) -> None:
    add.epilog = "For example: modelwright fit churn.csv --target Churn --seconds 300 --save churn.mw"
    add.add_argument("table", metavar="TABLE", help="a CSV or Parquet file")
    add.add_argument("--target", required=True, metavar="COLUMN", help="the column that is to be predicted")
    _reading(add)
    add.add_argument("--seconds", type=figures.seconds, metavar="S", help="for all of it (300 without --trials)")
    add.add_argument("--trials", type=figures.positive, metavar="N", help="candidates to try")
    add.add_argument(
        "--preset", choices=("fast", "good", "best", "interpretable"), default="good", help="effort and kind (good)"
    )
    add.add_argument("--positive", metavar="CLASS", help="the class that f1 is about (the rarer one)")
    add.add_argument("--sample-weight", metavar="COLUMN", help="how much each row counts")
    add.add_argument(
        "--class-weight", action="append", type=pairs.weight, metavar="CLASS=W",
        help="how much a class counts; may be repeated; or: balanced",
    )  # fmt: skip
    add.add_argument("--folds", type=figures.positive, metavar="N", help="parts that judge in turn; 1: a holdout")
    add.add_argument("--groups", metavar="COLUMN", help="rows with the same value are never divided")
    add.add_argument("--time", metavar="COLUMN", help="later rows judge models of earlier ones")
    add.add_argument("--without", action="append", metavar="COLUMN", help="a column not to use; may be repeated")
    add.add_argument("--block", action="append", metavar="LEARNER", help="a learner not to try; may be repeated")
    add.add_argument("--model", action="append", metavar="LEARNER", help="a learner to try (all); may be repeated")
    add.add_argument(
        "--monotone",
        action="append",
        type=pairs.direction,
        metavar="COLUMN=+1",
        help="rises with it; -1: falls; repeatable",
    )
    add.add_argument(
        "--target-score", type=figures.figure, metavar="X", help="begin no more once the ensemble reaches it"
    )
    add.add_argument(
        "--min-gain", type=figures.number_or("noise", "none"), default="noise", metavar="G",
        help="begin no more once as many again would gain less; noise (the default), or none for never",
    )  # fmt: skip
    add.add_argument("--memory", metavar="SIZE", help="of all processes together, such as 2GB (three quarters of it)")
    add.add_argument(
        "--max-rows", type=figures.positive, metavar="N", help="rows that candidates see (by time and memory)"
    )
    add.add_argument("--drop-suspected", action="store_true", help="leave out columns that near-certainly leak")
    add.add_argument("--save", metavar="FILE", help="where the model goes (the table's name with .mw)")
    add.add_argument("--report", metavar="FILE", help="write an HTML file about the model at the end")
    add.add_argument("--name", metavar="NAME", help="a study's name: a fit that was killed goes on")
    add.add_argument("--workers", type=figures.positive, metavar="N", help="processes (one for each core)")
    add.add_argument("--seed", type=figures.whole, default=0, metavar="N", help="of all chance (0)")


def _reading(add: argparse.ArgumentParser) -> None:
    """How a table is read, for whoever fits to it and whoever checks it."""
    add.add_argument("--metric", metavar="NAME", help="roc_auc, log_loss, rmse, ... (by the target)")
    add.add_argument("--task", choices=("binary", "multiclass", "regression"), help="(by the target)")
    add.add_argument(
        "--kind", action="append", type=pairs.kind, metavar="COLUMN=KIND",
        help="number, category, ordinal, boolean, datetime, text, id, constant, or LOW,...,HIGH; repeatable",
    )  # fmt: skip


def _check(add: argparse.ArgumentParser) -> None:
    add.epilog = "For example: modelwright check train.csv --target price --test new.csv. Exit code 1 with an alert."
    add.add_argument("table", metavar="TABLE", help="a CSV or Parquet file")
    add.add_argument("--target", required=True, metavar="COLUMN", help="the column that is to be predicted")
    add.add_argument("--test", metavar="FILE", help="a second table: does it come from where the first did?")
    _reading(add)
    add.add_argument("--seconds", type=figures.seconds, metavar="S", help="time for each table (as long as it takes)")
    add.add_argument("--seed", type=figures.whole, default=0, metavar="N", help="the same seed, the same findings (0)")


def _worker(add: argparse.ArgumentParser) -> None:
    add.add_argument("places", nargs="+", metavar="STORE STUDY", help="the study's name, behind its store or --store")
    add.add_argument("--slots", type=figures.positive, default=1, metavar="N", help="processes that run trials (1)")
    add.add_argument("--seconds", type=figures.seconds, metavar="S", help="start nothing after so long, then leave")
    add.add_argument("--once", action="store_true", help="run one trial for each slot, then leave")
    add.add_argument("--code", metavar="FILE[:NAME]", help="where the tuned code is here")
    add.add_argument("--allow-change", action="store_true", help="join with code that differs from the study's")
    add.add_argument("--trust", action="store_true", help="run the pickled code that the study keeps")
