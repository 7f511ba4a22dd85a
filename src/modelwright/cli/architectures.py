"""``modelwright nas``: a search for a network, from data on disk to a model on disk."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.cli.data import load_data
from modelwright.cli.output import Exit, Output, UsageError
from modelwright.cli.reading import check_target, definition_of
from modelwright.cli.tuning import _check_report, _objective, _result, next_commands, output_kept_clean
from modelwright.cli.warned import warned
from modelwright.core.clock import counting_from
from modelwright.core.errors import ArgumentError, StudyError
from modelwright.report.summary import next_steps_told

#: Spaces by name.
SPACES = ("chain", "branches", "cells", "mobile", "tabular", "nasbench201")


def nas(args: Namespace, out: Output) -> int:
    """Run a search for a network and print what it found."""
    if args.trials is None and args.seconds is None:
        raise UsageError("say how much to spend", where="nas", allowed="--seconds S, --trials N, or both")
    if args.report is not None:
        _check_report(args.report, args.store)
    if args.save is not None:
        _check_save(args.save)
    check_target(args.store)
    with output_kept_clean(), next_steps_told(lambda view: next_commands(view, args.store)), warned(out):
        # What its user waits for is the command: it may have taken its time to import and to read.
        with counting_from(args.began):
            study = _searched(args, out)
        path = "" if args.report is None else str(study.report(args.report))
    best = _result(study, path, out, study.classes)
    if best and args.save is not None:
        with output_kept_clean(), warned(out):
            _save(study, args.save, out)
    if study.stopped == "interrupted":
        none = "" if best or args.save is None else " No network had a value, so that no model was written."
        out.say(f"Interrupted. What was finished is kept; go on with the same command and --name {study.name}.{none}")
        return Exit.INTERRUPTED
    if not best:
        out.complain("modelwright: the budget ended before any network had a value")
        return Exit.NO_MODEL
    return Exit.OK


def _save(study: Any, given: str, out: Output) -> None:
    path = str(Path(given).expanduser())
    study.best_model().save(path)
    out.say(f"The model is in {path}: keras.saving.load_model({path!r})")


def _searched(args: Namespace, out: Output) -> Any:
    import modelwright

    (x, y), held = _data(args)
    features = getattr(x, "ndim", 4) == 2
    space = args.space or ("tabular" if features else "chain")
    validation = args.validation if held is None else held
    return modelwright.nas.search(
        _space(space),
        x,
        y,
        objective=None if args.objective is None else _objective(args.objective),
        constraints=args.constraint or (),
        plan=None if args.no_plan else "auto",
        strategy=args.strategy,
        validation=validation,
        seconds=args.seconds,
        trials=args.trials,
        workers=args.workers,
        seed=args.seed,
        epochs=args.epochs,
        task=args.task,
        class_weight=_weights(args.class_weight, y),
        store=args.store,
        name=args.name,
        verbose=0 if out.quiet else 1,
    )


def _space(name: str) -> Any:
    from modelwright import nas as spaces

    if name != "nasbench201":
        return getattr(spaces, name)()

    def define(shapes: tuple[tuple[int, ...], ...], outputs: int) -> Any:
        made = spaces.nasbench201(shapes[0], outputs)
        write: Any = made.define
        write.sketch, write.levels = made.sketch, made.levels
        return write

    return spaces.Template(define, name)


def _weights(given: list[str] | None, y: Any) -> dict[Any, float] | str | None:
    """``balanced``, or LABEL=WEIGHT several times; labels are numbers where those of the data are."""
    if given is None or given == ["balanced"]:
        return None if given is None else "balanced"
    texts, found = np.asarray(y).dtype.kind not in "fiub", dict[Any, float]()
    for one in given:
        label, equals, weight = one.rpartition("=")
        try:
            found[label if texts else float({"False": "0", "True": "1"}.get(label, label))] = float(weight)
        except ValueError:
            equals = ""
        if not equals:
            allowed = "balanced, or LABEL=WEIGHT, once for each label"
            raise UsageError(f"{one!r} is no weight", where="--class-weight", allowed=allowed)
    return found


def _data(args: Namespace) -> tuple[tuple[Any, Any], Any]:
    if Path(args.data).expanduser().is_dir():
        if args.target is not None:
            raise UsageError("a folder of images has no columns", where="--target", hint="Leave --target out.")
        from modelwright.datasets.folder import images

        return images(args.data, size=_image_size(args)), None
    if args.image_size is not None:
        raise UsageError("only images in a folder are brought to a size", where="--image-size", hint="Leave it out.")
    data, held = load_data(args.data, args.target, texts=args.task != "regression", folders=True)
    if len(data) != 2:
        raise ArgumentError("it holds no x and y", where=args.data, allowed="arrays x and y")
    return (data[0], data[1]), held


def _image_size(args: Namespace) -> int | tuple[int, int] | None:
    """The size that images are brought to: that of the study that goes on, where there is one.

    Raises:
        StudyError: another one is asked for. Reading images takes long, so that it is said before.
    """
    begun = definition_of(args.store, args.name)
    shapes = begun.get("shapes") or ()
    if len(shapes) != 1 or len(shapes[0]) != 3 or begun.get("stem") is not None:
        return args.image_size
    height, width = shapes[0][:2]
    if args.image_size is not None and (height, width) != (args.image_size, args.image_size):
        raise StudyError(
            f"the study {args.name!r} was begun with images of {height} x {width} pixels",
            where=f"--image-size {args.image_size}",
            hint="Leave --image-size out to go on, or use another --name for a new search. Nothing was changed.",
        )
    return height, width


def _check_save(path: str) -> None:
    if not path.endswith(".keras"):
        raise UsageError(f"{path!r} is no .keras file", where="--save", hint="Write --save model.keras.")
    if not Path(path).expanduser().absolute().parent.is_dir():
        raise ArgumentError(f"there is no folder {str(Path(path).parent)!r}", where="--save")
    if Path(path).expanduser().is_dir():
        raise ArgumentError(f"{path!r} is a folder", where="--save", allowed="a file")
