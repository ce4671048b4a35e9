"""How the command ends: whatever comes up becomes an exit code and a line on stderr, never a traceback for bad input.

Must not know the commands.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from typing import TYPE_CHECKING, NoReturn

from streamvet.cli.app import app
from streamvet.cli.console import note
from streamvet.cli.streams import sturdy
from streamvet.contract.intake import FileError
from streamvet.masking import veiled
from streamvet.report.exits import Exit
from streamvet.report.printable import printable_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

# By module and name: what raises an error has imported it, and what does not need it has not waited for that.
_CODES = {
    ("streamvet.contract.intake", "FileError"): Exit.USAGE,
    ("streamvet.trace.reading", "TraceError"): Exit.USAGE,
    ("streamvet.campaign.reaching", "Unreachable"): Exit.INCOMPLETE,
    ("streamvet.reference", "ServerExtraError"): Exit.USAGE,
    ("streamvet.observing.asking", "NoStream"): Exit.INCOMPLETE,
    ("streamvet.reference", "ServerMissingError"): Exit.OURS,
}


def main(begun_us: int) -> NoReturn:
    """The command `streamvet`, which began at this moment of the monotonic clock."""
    sturdy()
    code = call(sys.argv[1:], begun_us)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except FileError as error:
        code = _failed(error)
    sys.exit(code)


def call(arguments: Sequence[str], begun_us: int | None = None) -> int:
    """Run one command; gives its exit code. It began at this moment of the monotonic clock; None: now."""
    try:
        app(args=list(arguments), prog_name="streamvet", obj=begun_us)
    except SystemExit as end:
        if _is_interrupt(end):
            note("streamvet: interrupted")
        return end.code if isinstance(end.code, int) else int(Exit.USAGE)
    except KeyboardInterrupt:
        note("streamvet: interrupted")
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last place that can turn it into words
        return _failed(_cause(error))
    return Exit.CONFORMANT


def _is_interrupt(end: SystemExit) -> bool:
    """Whether this is what typer makes of Ctrl-C; a command that tells of it itself exits with 130 of its own."""
    return end.__context__ is not None and isinstance(end.__context__.__cause__, KeyboardInterrupt)


def _cause(error: Exception) -> Exception:
    """The first exception of a group, as tasks give them."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _failed(error: Exception) -> int:
    kinds = [(kind.__module__, kind.__qualname__) for kind in type(error).__mro__]
    code = next((_CODES[kind] for kind in kinds if kind in _CODES), None)
    if code is not None:
        note(f"streamvet: {printable_lines(str(error))}")
        return code
    with tempfile.NamedTemporaryFile(
        "w", prefix="streamvet-", suffix=".traceback.txt", delete=False, encoding="utf-8", errors="backslashreplace"
    ) as file:
        file.writelines(map(veiled, traceback.format_exception(error)))
    told = printable_lines(str(error)).partition("\n")[0]
    note(f"streamvet: internal error, {type(error).__name__}: {told}\nstreamvet: the traceback is in {file.name}")
    return Exit.OURS
