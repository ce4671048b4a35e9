"""Where the command line prints: results to stdout, everything else to stderr.

Text is never cut or wrapped, nor read as markup: most of it comes from a candidate. NO_COLOR is honoured by rich.
What is secret is masked here. Must not know what is printed.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from streamvet.masking import veiled

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def console(*, error: bool = False) -> Console:
    """A console on stdout, or on stderr; made anew, as tests and pipes change both."""
    from rich.console import Console  # noqa: PLC0415 - a twentieth of a second, which `--help` does not need

    return Console(stderr=error, soft_wrap=True, highlight=False, markup=False, emoji=False)


def say(text: Text | str) -> None:
    """Print a result."""
    shown = veiled(text) if isinstance(text, str) else _veiled_text(text)
    console().print(shown, end="" if str(text).endswith("\n") else "\n")


def _veiled_text(text: Text) -> Text:
    """The same for text with colours, which stay where they are: a masked text is as long, but for other alphabets."""
    plain = veiled(text.plain)
    if plain == text.plain:
        return text
    shown = text.copy()
    shown.plain = plain
    return shown


def note(text: str) -> None:
    """Print a line that is no result."""
    if sys.stderr is not None:  # closed: `print` would take stdout for it
        print(veiled(text), file=sys.stderr, flush=True)  # noqa: T201 - the command line prints here, and in `say`
