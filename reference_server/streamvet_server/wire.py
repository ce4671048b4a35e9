"""Bytes: JSON text, SSE blocks and NDJSON lines, written so that also careless readers take them apart rightly.

This module must not know systems, runs, sockets or faults. Pure functions between documents and bytes.
"""

from __future__ import annotations

import json
import math
import os
import re
import zlib
from datetime import UTC, datetime
from typing import Any, NoReturn

# Readers that split lines as Unicode does would cut an event at these; lone surrogates have no UTF-8 form at all.
_ESCAPED = re.compile("[\u0085\u2028\u2029\ud800-\udfff]")


# Of zlib: with the head and the tail of RFC 1952, with those of RFC 1950.
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class NotCoded(ValueError):  # noqa: N818 -- it names what the octets are
    """The octets are not in the content coding that they are said to be in."""


class TooLarge(ValueError):  # noqa: N818 -- it names what the octets are
    """The octets hold more than is wanted."""


class UnknownCoding(ValueError):  # noqa: N818 -- it names the coding
    """A content coding that this server does not read."""


class NotJson(ValueError):  # noqa: N818 -- it names what the octets are
    """The octets are no JSON text (RFC 8259), or one that this server cannot carry."""


def json_text(document: Any) -> str:
    """The document as one line of JSON text that has a UTF-8 form."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _constant(name: str) -> NoReturn:
    raise NotJson(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotJson(f"{text[:40]} is beyond a double")
    return number


def parse_json(octets: bytes | str) -> Any:
    """The document of a JSON text.

    Raises:
        NotJson: the octets are not JSON, not UTF-8, or nested or sized beyond what Python's parser takes.
    """
    try:
        text = octets if isinstance(octets, str) else octets.decode("utf-8")
        return json.loads(text, parse_constant=_constant, parse_float=_finite)
    except (ValueError, RecursionError) as reason:
        raise NotJson(str(reason)) from reason


def inflated(octets: bytes, coding: str, most_bytes: int) -> bytes:
    """The octets without their content coding (RFC 9110, 8.4.1): gzip or deflate.

    Raises:
        UnknownCoding, NotCoded, TooLarge: as they say; of what inflates, no more than the limit is made.
    """
    bits = _WINDOW_BITS.get(coding)
    if bits is None:
        raise UnknownCoding(coding)
    unpacking = zlib.decompressobj(bits)
    try:
        plain = unpacking.decompress(octets, most_bytes + 1)
    except zlib.error as reason:
        raise NotCoded(coding) from reason
    if len(plain) > most_bytes:
        raise TooLarge(coding)
    if not unpacking.eof or unpacking.unused_data:
        raise NotCoded(coding)
    return plain


def path_text(path: str) -> str:
    """A path of the file system as text that has a UTF-8 form: octets of a name that are no UTF-8 become U+FFFD."""
    return os.fsencode(path).decode("utf-8", "replace")


def sse_block(event: str, data: str, id_: str | None = None, *, retry_ms: int | None = None) -> bytes:
    """One dispatched event: event, data, id, retry in this order (WHATWG HTML, 9.2.6). `data` has no line end."""
    tail = "" if id_ is None else f"id: {id_}\n"
    tail += "" if retry_ms is None else f"retry: {retry_ms}\n"
    return f"event: {event}\ndata: {data}\n{tail}\n".encode()


def ndjson_line(document: Any) -> bytes:
    """One line with its LF."""
    return f"{json_text(document)}\n".encode()


def iso(at_ms: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC with milliseconds."""
    seconds, ms = divmod(at_ms, 1000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=ms * 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
