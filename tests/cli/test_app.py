"""The list of commands: it is there before any command is imported, and says of each what the command says itself."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer
from typer.main import get_command

from streamvet.cli.app import COMMANDS, app

# What takes more than some hundredths of a second to import, and no list of commands needs.
_HEAVY = {
    "aiohttp",
    "asyncio",
    "httpx",
    "hypothesis",
    "jinja2",
    "jsonschema",
    "jsonschema_rs",
    "pytest",
    "rich",
    "yaml",
}


def _imported(*words: str) -> set[str]:
    """The modules that a Python process imports, by their first name."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words], capture_output=True, text=True, check=True
    )  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    assert lines
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def test_the_package_imports_nothing_of_others() -> None:
    imported = _imported("-c", "import streamvet")

    assert "streamvet" in imported
    assert not imported & (_HEAVY | {"typer"})


def test_the_help_imports_no_command() -> None:
    imported = _imported("-m", "streamvet", "--help")

    assert "typer" in imported
    assert not imported & _HEAVY


@pytest.mark.parametrize("name", COMMANDS)
def test_each_line_is_the_first_one_of_the_commands_own_help(name: str) -> None:
    group = get_command(app)
    context = typer.Context(group)

    command = group.get_command(context, name)  # type: ignore[attr-defined]

    assert command.get_short_help_str(200) == COMMANDS[name].help
    assert command.name == name
