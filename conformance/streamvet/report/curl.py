"""The request of an exchange as a command that somebody can repeat by hand, with secrets as they are in the trace.

Must not know what the request was for.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from streamvet.report.printable import is_printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.trace import Request

_MASKED = re.compile(r"x[x._-]{15,}")  # letters and digits of a long secret, which a trace keeps at its length
_BODY_BYTES = 1000  # of a body, which else is left to its trace: a terminal takes some lines at once
_LEFT_OUT = {("accept-encoding", "identity")}  # what curl does anyway


def curl(request: Request) -> str:
    """A command for a shell; `***` stands where a secret was."""
    words = ["curl", "-sN"]
    if request.method != ("GET" if request.body is None else "POST"):
        words += ["-X", request.method]
    words.append(_quoted(_MASKED.sub("***", request.url)))
    for name, value in request.headers:
        if (name.lower(), value.lower()) not in _LEFT_OUT:
            words += ["-H", _quoted(f"{name}: {_MASKED.sub('***', value)}")]
    if request.body is not None:
        small = len(request.body.encode()) <= _BODY_BYTES
        words += ["--data-binary", _quoted(_MASKED.sub("***", request.body)) if small else "@body-from-the-trace"]
    return " ".join(words)


def _quoted(text: str) -> str:
    """A word for a shell; what no terminal shows as it is, as bash and zsh spell it."""
    if all(map(is_printable, text)):
        return shlex.quote(text)
    return "$'" + "".join(map(_spelt, text)) + "'"


_SPELT: Mapping[str, str] = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _spelt(char: str) -> str:
    if char in _SPELT:
        return _SPELT[char]
    if is_printable(char):
        return char
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))
