"""The commands by name. A command is imported once it is called: the list of them is there at once.

Must not know what they do.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_command

from streamvet.cli.console import say
from streamvet.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable


class _Named(NamedTuple):
    """A command: where its function, or its own commands, are, and the first line of its help."""

    module: str
    attribute: str
    help: str


# A test holds each line to what the command says of itself.
COMMANDS: dict[str, _Named] = {
    "run": _Named("run", "run", "Check a candidate."),
    "check": _Named("glancing", "check", "Check any stream, without a profile."),
    "doctor": _Named("doctor", "doctor", "Look at a candidate before a run, and list what the target file lacks."),
    "judge": _Named("judge_traces", "judge", "Judge recorded traces."),
    "serve": _Named("server", "serve", "Run the reference server."),
    "prove": _Named("proving", "prove", "Prove the suite with deliberate faults."),
    "report": _Named("rendering", "report", "Convert JSON reports to other formats."),
    "compare": _Named("rendering", "compare_", "Compare two JSON reports."),
    "replay": _Named("replaying", "replay", "Replay one recorded case."),
    "list": _Named("show", "listing", "List requirements, profiles, faults or modes."),
    "explain": _Named("show", "explain", "Explain one requirement."),
    "client": _Named("client", "client", "Check a client of event streams."),
    "export-traces": _Named("export", "export_traces", "Write all example traces to a folder."),
    "init": _Named("begin", "init", "Print a target file to fill in, or draft a profile folder."),
    "check-profile": _Named("profile_folder", "check_profile", "Validate a profile folder."),
}


def _plain(function: Callable[..., object], name: str) -> typer.Typer:
    """An application of one command, without what typer adds by itself."""
    made = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    made.command(name)(function)
    return made


class _Commands(TyperGroup):
    """The group of all commands, of which each is imported when it is asked for."""

    # Any: a context of typer's is its own class, or one of click, by its version.

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - as the group has it
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command of this name, imported; None where there is none."""
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        if cmd_name not in self.commands:
            found = getattr(import_module(f"streamvet.cli.{row.module}"), row.attribute)
            made = get_command(found if isinstance(found, typer.Typer) else _plain(found, cmd_name))
            made.name = cmd_name
            self.commands[cmd_name] = made
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the arguments name. Where there is none, all of them are looked at for one like it."""
        if args and args[0] not in COMMANDS:
            for name in COMMANDS:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.help) for name, row in COMMANDS.items()])


app = typer.Typer(
    name="streamvet",
    cls=_Commands,
    help="Conformance suite for HTTP progress-event streams: Server-Sent Events and NDJSON.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 conformant, 1 violated, 2 usage, 3 unreachable or incomplete, 4 internal, 130 interrupted.",
)


def _version(wanted: bool) -> None:
    if wanted:
        say(VERSION)
        raise typer.Exit


@app.callback()
def _whole(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Conformance suite for HTTP progress-event streams: Server-Sent Events and NDJSON."""
