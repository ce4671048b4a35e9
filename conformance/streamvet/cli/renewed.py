"""Progress on stderr: text that is renewed in place on a terminal, and lines that stay elsewhere.

How often either is shown is for the caller to decide. Must not know what is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.text import Text

from streamvet.cli.console import console, note

if TYPE_CHECKING:
    from types import TracebackType


class Renewed:
    """Used as a context; what it shows on a terminal is gone behind it."""

    def __init__(self) -> None:
        shown = console(error=True)
        self._live = Live(console=shown, auto_refresh=False, transient=True) if shown.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    @property
    def in_place(self) -> bool:
        """Whether each text replaces the one before."""
        return self._live is not None

    def show(self, text: str) -> None:
        """Show a text now."""
        if self._live:
            self._live.update(Text(text, style="dim", overflow="ellipsis", no_wrap=True), refresh=True)
        else:
            note(text)
