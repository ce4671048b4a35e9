"""What is read from outside: the bytes and lines of files and of stdin, each within a bound.

Every file of a user comes through here, so that a device that never ends, a pipe that nobody writes to, a bomb of gzip
and a path that is none are errors with a name. Must not know what is in the files.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import stat
import sys
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STDIN = "-"
# The largest file of ours that is read whole has 120 kB; a case may have some bodies of 64 KiB in it.
MOST_BYTES = 4 * 1024 * 1024
# A capture: as much as the recorder itself takes of one stream.
MOST_CAPTURED_BYTES = 64 * 1024 * 1024
# A line of a trace: the stimulus of a try with a script of 200 payloads of 64 KiB, as JSON.
MOST_LINE_BYTES = 32 * 1024 * 1024
# All lines of a file of traces, unpacked: some exchanges as long as the recorder takes them, with what JSON adds.
MOST_LINES_BYTES = 512 * 1024 * 1024
MOST_EMPTY_LINES = 10_000  # a trace has none at all; people leave one here and there
_FILE_CHARS = 300  # of a path in an error: more than any that somebody typed
_PIECE_BYTES = 64 * 1024


class FileError(Exception):
    """A file that cannot be used. The text has the file, the place in it, what was expected and what was got."""

    def __init__(self, file: Path | str, place: str, expected: str, got: str) -> None:
        super().__init__(file, place, expected, got)  # all of them: by these it is pickled, where a worker raises it
        self.file, self.place, self.expected, self.got = file, place, expected, got

    def __str__(self) -> str:
        name = str(self.file)
        name = name if len(name) <= _FILE_CHARS else name[: _FILE_CHARS - 1] + "…"
        return f"{name}: {self.place or 'the file'}: expected {self.expected}, got {self.got}"


# What stat may say in place of "no such file": a name that is too long, a loop of links, a NUL in the name.
_NO_PATH = (OSError, ValueError, RuntimeError)
_KINDS = (
    (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)  # fmt: skip


def is_file(path: Path) -> bool:
    """Whether there is a regular file; False for what is no path at all."""
    with contextlib.suppress(*_NO_PATH):
        return path.is_file()
    return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder; False for what is no path at all."""
    with contextlib.suppress(*_NO_PATH):
        return path.is_dir()
    return False


def is_there(path: Path) -> bool:
    """Whether there is anything.

    Raises:
        FileError: where that is no path: too long, or a loop of links.
    """
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except _NO_PATH as error:
        raise FileError(path, "", "a path", _said(error)) from error
    return True


def resolved(path: Path) -> Path:
    """The path without links.

    Raises:
        FileError: where it is none: too long, a loop of links, or with a NUL.
    """
    try:
        return path.resolve()
    except _NO_PATH as error:
        raise FileError(path, "", "a path", _said(error)) from error


def _said(error: BaseException) -> str:
    """What the system says, in a few words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _open(path: Path) -> IO[bytes]:
    """A regular file, open. Without waiting: to open a pipe waits for whoever writes to it.

    Raises:
        FileError: where it cannot be opened, or is something else.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except _NO_PATH as error:
        raise FileError(path, "", "a readable file", _said(error)) from error
    mode = os.fstat(number).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(number, "rb")
    os.close(number)
    kind = next((name for holds, name in _KINDS if holds(mode)), "something else")
    raise FileError(path, "", "a regular file, or - for stdin", kind)


def stdin() -> IO[bytes]:
    """The bytes of stdin.

    Raises:
        FileError: where it was closed before the start, which Python has as None.
    """
    if sys.stdin is None:
        raise FileError(STDIN, "", "a readable file", "a stdin that is closed")
    return sys.stdin.buffer


def _opened(name: Path | str) -> contextlib.AbstractContextManager[IO[bytes]]:
    """A file, or stdin, which is not ours to close."""
    return contextlib.nullcontext(stdin()) if name == STDIN else _open(Path(name))


def read_bytes(name: Path | str, most_bytes: int = MOST_BYTES) -> bytes:
    """The bytes of a file; `-` is stdin.

    Raises:
        FileError: where it cannot be read, is no regular file, or has more bytes.
    """
    with _opened(name) as file:
        pieces, size = list[bytes](), 0
        try:
            while size <= most_bytes and (piece := file.read(min(_PIECE_BYTES * 16, most_bytes + 1 - size))):
                pieces.append(piece)
                size += len(piece)
        except OSError as error:
            raise FileError(name, "", "a readable file", _said(error)) from error
    if size > most_bytes:
        raise FileError(name, "", f"at most {most_bytes} bytes", "more")
    return b"".join(pieces)


def read_text(path: Path | str) -> str:
    """The text of a file.

    Raises:
        FileError: where it is not there, not readable, too large, or not UTF-8.
    """
    data = read_bytes(path)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileError(path, f"byte {error.start}", "UTF-8", repr(data[error.start : error.start + 4])) from error


def read_lines(name: Path | str, most_bytes: int = MOST_LINES_BYTES) -> Iterator[str]:
    """The lines of a file, each with its newline; a name that ends with .gz is unpacked, `-` is stdin.

    Raises:
        FileError: where it cannot be read, is no regular file, is not UTF-8, or is larger than anybody's traces: a
            bomb of gzip is unpacked up to there, and no further.
    """
    with contextlib.ExitStack() as stack:
        file: IO[bytes] | gzip.GzipFile = stack.enter_context(_opened(name))
        if str(name).endswith(".gz"):
            file = stack.enter_context(gzip.GzipFile(fileobj=file, mode="rb"))
        number = size = empty = 0
        try:
            while line := file.readline(MOST_LINE_BYTES + 1):
                number, size = number + 1, size + len(line)
                if len(line) > MOST_LINE_BYTES:
                    raise FileError(name, f"line {number}", f"at most {MOST_LINE_BYTES} bytes", "more")
                if size > most_bytes:
                    raise FileError(name, f"line {number}", f"at most {most_bytes} bytes", "more")
                empty += len(line) <= len("\r\n")
                if empty > MOST_EMPTY_LINES:
                    raise FileError(name, f"line {number}", f"at most {MOST_EMPTY_LINES} empty lines", "more")
                yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            got = repr(error.object[error.start : error.start + 4])
            raise FileError(name, f"line {number}", "UTF-8", got) from error
        except (OSError, EOFError, zlib.error) as error:
            raise FileError(name, "", "a readable file", _said(error)) from error
