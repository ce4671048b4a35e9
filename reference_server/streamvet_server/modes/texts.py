"""Modes of the JSON texts in events: each has the same value, or one more member, in another spelling.

It must not know any system. It finds the text of a document between the first brace or bracket and the last one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import AGENT_WORKSPACE, COSMA, GHOSTLY, ROCKSTAR
from streamvet_server.faults.shapes import Chosen, every, piecing, told
from streamvet_server.modes.mode import NDJSON, SSE, Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamvet_server.seams import Seams, Shown

_JSON = "RFC 8259"
LARGE, HUGE = 64 * 1024, 1024 * 1024
_NDJSON_SPEC = "NDJSON 1.0.0, 3.1"


def _respelled(spell: Callable[[Any], str], chosen: Chosen = every) -> Callable[[], Seams]:
    """The JSON text of each chosen frame as another text of the same document. What has none stays."""

    def piece(_shown: Shown, octets: bytes) -> Iterable[bytes]:
        begin = min((at for at in (octets.find(b"{"), octets.find(b"[")) if at >= 0), default=-1)
        end = max(octets.rfind(b"}"), octets.rfind(b"]")) + 1
        if begin < 0:
            return (octets,)
        return (octets[:begin] + spell(json.loads(octets[begin:end])).encode() + octets[end:],)

    return lambda: piecing(chosen, piece)


def _ascii(document: Any) -> str:
    """Each character of each string as an escape."""

    def text(value: str) -> str:
        units = value.encode("utf-16-be", "surrogatepass").hex()
        return '"' + "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)) + '"'

    match document:
        case str():
            return text(document)
        case dict():
            return "{" + ",".join(f"{text(key)}:{_ascii(value)}" for key, value in document.items()) + "}"
        case list():
            return "[" + ",".join(map(_ascii, document)) + "]"
        case _:
            return json.dumps(document)


def _backwards(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _backwards(document[key]) for key in reversed(document)}
    return [_backwards(one) for one in document] if isinstance(document, list) else document


def _spaced(document: Any) -> str:
    return json.dumps(document, ensure_ascii=True, separators=(" , ", "\t: "))


def _padded(length: int) -> Callable[[Any], str]:
    """The text with so many spaces inside its brackets."""

    def spell(document: Any) -> str:
        text = json.dumps(document, separators=(",", ":"))
        return text[0] + " " * length + text[1:]

    return spell


def _first(shown: Shown) -> bool:
    return shown.index == 0


def _with_another(octets: bytes) -> bytes:
    """An event of a type that nobody knows, in front of one."""
    sse = octets.startswith((b"event:", b"data:", b":"))
    return (b"event: x-unknown\ndata: {}\n\n" if sse else b'{"type":"x-unknown"}\n') + octets


def _with_a_key(_shown: Shown, document: Any) -> Iterable[Any]:
    return ({**document, "x-unknown": {"of": [1, None]}} if isinstance(document, dict) else document,)


MODES: tuple[Mode, ...] = (
    Mode(
        "unknown-keys", SSE + NDJSON, "Each object has an unknown member.", f"{_JSON}, 4",
        "An object has any number of members; the application defines which ones have a meaning.",
        told(every, _with_a_key),
    ),
    Mode(
        "unknown-types", SSE + NDJSON, "An event of an unknown type comes before each event.",
        "WHATWG HTML, 9.2.6", "An event may have any name; an event without a listener has no effect.",
        lambda: piecing(every, lambda _shown, octets: (_with_another(octets),)),
        breaks=dict.fromkeys(GHOSTLY + ROCKSTAR, "EVT-07") | dict.fromkeys(AGENT_WORKSPACE + COSMA, "EVT-11"),
    ),
    Mode(
        "keys-backwards", SSE + NDJSON, "The members of objects come in the opposite order.", f"{_JSON}, 4",
        "An object is an unordered collection of members.",
        _respelled(lambda document: json.dumps(_backwards(document), separators=(",", ":"))),
    ),
    Mode(
        "escapes", SSE + NDJSON, "Each character of each string is an escape.", f"{_JSON}, 7",
        "Any character may be escaped.", _respelled(_ascii),
    ),
    Mode(
        "white-space", SSE + NDJSON, "Spaces and tabs surround commas and colons.", f"{_JSON}, 2",
        "White space is allowed before and after the structural characters.", _respelled(_spaced),
    ),
    Mode(
        "line-of-64-kib", SSE + NDJSON, "The line of the first event has 64 KiB of spaces in its JSON.", f"{_JSON}, 2",
        "White space is allowed before and after the structural characters.", _respelled(_padded(LARGE), _first),
    ),
    Mode(
        "line-of-1-mib", SSE + NDJSON, "The line of the first event has 1 MiB of spaces in its JSON.", f"{_JSON}, 2",
        "White space is allowed before and after the structural characters.", _respelled(_padded(HUGE), _first),
    ),
    Mode(
        "empty-lines", NDJSON, "An empty line follows each line.", _NDJSON_SPEC,
        "A parser may ignore empty lines; its documentation says whether it does.",
        lambda: piecing(every, lambda _shown, octets: (octets + b"\n",)),
        breaks=dict.fromkeys(ROCKSTAR, "NDJ-06"),
    ),
    Mode(
        "lines-with-crlf", NDJSON, "Lines end with CRLF.", _NDJSON_SPEC,
        "A line ends with LF; the CR before it is white space of the JSON text.",
        lambda: piecing(every, lambda _shown, octets: (octets.replace(b"\n", b"\r\n"),)),
    ),
)  # fmt: skip
