"""Options of the form NAME=VALUE: what is said of a column or a class."""

from __future__ import annotations

import argparse
import csv
from typing import NoReturn


def direction(text: str) -> tuple[str, int]:
    """A column and 1 or -1."""
    name, _, sign = text.rpartition("=")
    if not name or sign not in ("+1", "1", "-1"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a column and a direction, such as age=+1 or age=-1")
    return name, int(sign)


def kind(text: str) -> tuple[str, str | list[str]]:
    """A column and its kind, or its levels from low to high as a line of CSV."""
    from modelwright.tasks.data.kinds import KINDS

    name, _, said = text.rpartition("=")
    column, _, levels = text.partition("=")
    if said not in KINDS and column and "," in levels:
        return column, next(csv.reader([levels], skipinitialspace=True))
    if not name or not said:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a column and a kind, such as zip=category or medal=bronze,silver,gold"
        )
    return name, said


def weight(text: str) -> tuple[str, float] | str:
    """A class and its weight, or the word for weights that make up for how many rows there are."""
    name, _, number = text.rpartition("=")
    try:
        if text == "balanced":
            return text
        return (name, float(number)) if name else _refuse_weight(text)
    except ValueError:
        return _refuse_weight(text)


def _refuse_weight(text: str) -> NoReturn:
    raise argparse.ArgumentTypeError(f"{text!r} is neither a class and a weight, such as yes=5, nor balanced")
