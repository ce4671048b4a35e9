"""Stdout and stderr as the command has them: whoever reads them may go away, and a disk may be full.

A reader that has enough changes nothing: the rest goes nowhere, and the command ends with the code that it has earned.
Below all that prints, as rich, click and Python's own end each make another code of it. Must not know what is printed.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from streamvet.contract.intake import FileError

if TYPE_CHECKING:
    from typing import TextIO

    from _typeshed import ReadableBuffer


class _Output(io.FileIO):
    """A file descriptor to which one can always write. Where `told_as` says what it is, a full disk is told of."""

    def __init__(self, number: int, told_as: str) -> None:
        super().__init__(number, "w", closefd=False)
        self._told_as = told_as

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data) or 0
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())  # so that what is buffered fails once only
            if self._told_as and not isinstance(error, BrokenPipeError):
                said = error.strerror or "an error"
                raise FileError(self._told_as, "the output", "one that can be written", said) from error
            return memoryview(data).nbytes


def sturdy() -> None:
    """Let this process print through such streams. What is closed from the beginning stays so: nothing is printed."""
    sys.stdout, sys.stderr = _over(sys.stdout, "stdout"), _over(sys.stderr, "")  # no place is left to tell of stderr


def _over(stream: TextIO, told_as: str) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_Output(stream.fileno(), told_as)), encoding=stream.encoding,
        errors="backslashreplace",  # a terminal that cannot show a character shows its number
        line_buffering=stream.line_buffering,
    )  # fmt: skip
