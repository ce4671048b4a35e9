"""The trace of one try: every exchange with its bytes and times, and the stimulus that caused them.

A trace stores bytes only; frames and events are computed from it (see `decode`). It is the only argument of a
check besides the profile, and it is a file: one JSON record a line, so that the verdicts of a live run can be
had again offline. This package must not know what a requirement, a check or a socket is.

File format (`meta/trace.schema.json` describes each record)::

    {"record": "trace", "format": 2, "profile": …, "digest": …, "revision": …, "time_scale": …, "wall_clock": …,
     "lacks": […], "accounts": {…}, "probe": …, "stimulus": {…}, "late": [[1800, 812], …],
     "attempt": {"of": 7, "number": 1}}
    {"record": "exchange", "id": "x1", "operation": "attach", "role": "reader", …, "request": {…}}
    {"record": "head", "exchange": "x1", "at_us": 812, "status": 200, "http": "HTTP/1.1", "headers": [[…, …]]}
    {"record": "chunk", "exchange": "x1", "at_us": 900, "text": "…"}            or "base64" where it is not UTF-8
    {"record": "end", "exchange": "x1", "at_us": 4000, "ending": "complete", "detail": "",
     "coding": "gzip", "wire_bytes": 812}          `coding` where one was undone: the chunks are what they say without
"""

from __future__ import annotations

from streamvet.trace.format import FIRST, FORMAT
from streamvet.trace.reading import TraceError, load
from streamvet.trace.values import BY_SERVER, CLEAN, Attempt, Chunk, Ending, Exchange, Head, Late, Request, Trace
from streamvet.trace.vocabulary import ABOUT, ROLES
from streamvet.trace.writing import dump, records

__all__ = [
    "ABOUT",
    "BY_SERVER",
    "CLEAN",
    "FIRST",
    "FORMAT",
    "ROLES",
    "Attempt",
    "Chunk",
    "Ending",
    "Exchange",
    "Head",
    "Late",
    "Request",
    "Trace",
    "TraceError",
    "dump",
    "load",
    "records",
]
