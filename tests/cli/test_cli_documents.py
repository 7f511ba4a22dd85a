"""docs/cli.md names every command and option of the parser, and no others."""

import argparse
import re
from pathlib import Path

import pytest

from modelwright.cli.output import Exit
from modelwright.cli.parser import parser
from modelwright.strategy import NAMES

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
COMMANDS = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def _section(title):
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
    assert found, f"docs/cli.md has no section '## {title}'"
    return found[1]


def _options(command):
    return {option for action in COMMANDS[command]._actions for option in action.option_strings}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_documented(command):
    rows = "\n".join(line for line in (_section(command) + _section("Options of every command")).splitlines())
    documented = set(OPTION.findall(" ".join(re.findall(r"^\| (`.*?`) \|", rows, re.M))))
    assert documented == _options(command)


def test_help_names_every_strategy():
    text = COMMANDS["tune"].format_help()
    assert not [name for name in NAMES if name not in text]


def test_every_exit_code_is_documented():
    rows = re.findall(r"^\| (\d+) \|", _section("Exit codes"), re.M)
    assert [int(row) for row in rows] == sorted(code.value for code in Exit)


def test_only_commands_have_sections_of_their_own():
    titles = set(re.findall(r"^## (\S+)$", TEXT, re.M))
    assert titles == set(COMMANDS)


def test_every_command_says_what_it_does_and_takes_json():
    for name, command in COMMANDS.items():
        assert command.description and {"--json", "--quiet", "--store"} <= _options(name)
