"""Who may have held a stream back, by what the head of its answer says.

Data, and one function. Must not know how it was seen that a stream was held back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamvet.trace import Head

FIELDS = ("Server", "Via", "Content-Encoding", "X-Accel-Buffering", "Incremental")
_FIELD_CHARS = 40
_UNFLUSHED = "a write that is not flushed, a middleware that compresses or buffers, or a proxy in between"
# What usually holds a stream back: the first row that fits. The pattern is searched in the named fields of the head.
_USUAL: tuple[tuple[str, str, str], ...] = (
    ("content-encoding", r".", "a compressor that is not flushed after each event"),
    ("server via", r"nginx", "proxy_buffering of nginx, which X-Accel-Buffering: no or proxy_buffering off disables"),
    ("server via", r"apache", "an output filter of Apache httpd such as mod_deflate, or flushpackets=off of mod_proxy"),
    ("server via", r"varnish", "Varnish without beresp.do_stream, or a cache behind it"),
    ("via", r".", "the proxy that Via names"),
    ("content-length", r".", "a server that buffers its answer to learn its length"),
    ("", r"", _UNFLUSHED),
)


def suspects(head: Head) -> str:
    """The fields that speak of whoever is in between, and what that usually is."""
    said = [f"{name}: {head.get(name)[:_FIELD_CHARS]}" for name in FIELDS if head.get(name)]
    usual = next(text for names, pattern, text in _USUAL if re.search(pattern, _of(head, names), re.IGNORECASE))
    return f"{', '.join(said) or f'no {_or(FIELDS)}'}; usually {usual}"


def _of(head: Head, names: str) -> str:
    return " ".join(head.get(name) for name in names.split())


def _or(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
