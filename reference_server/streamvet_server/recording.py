"""A recording, read from a trace file: what each of its requests was answered with, octet by octet and when.

It must not know systems, nor what the octets say. The format is that of `trace.schema.json` in the contract.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from streamvet_server.wire import NotJson, parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FORMAT = 2
# What stands in a trace file in the place of a secret.
MASK = "***"


class Unreadable(ValueError):  # noqa: N818 -- it names what the file is
    """The file is no recording. `expected` and `got` say why, and where."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"expected {expected}, got {got}")
        self.expected, self.got = expected, got


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange: its request, and the answer. Times are microseconds from the request; no status: no head came.

    `ending` is the word of the trace format: complete, closed, truncated, malformed, reset, cut, timed-out.
    """

    id: str
    role: str
    method: str
    url: str
    status: int | None
    headers: Sequence[tuple[str, str]]
    head_us: int
    chunks: Sequence[tuple[int, bytes]]
    ending: str
    ended_us: int

    @property
    def path(self) -> str:
        """The path of the request's URL."""
        return urlsplit(self.url).path or "/"

    def asked_by(self, query: Mapping[str, str]) -> bool:
        """Whether a request's query is the recorded one. What was masked may be anything."""
        own = dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))
        return own.keys() == query.keys() and all(value in (MASK, query[key]) for key, value in own.items())


def recording(path: Path) -> Sequence[Recorded]:
    """The exchanges of a trace file, in its order.

    Raises:
        Unreadable: it is not there, or is not of the format.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as reason:
        raise Unreadable("a trace file", str(reason.strerror)) from reason
    records = [_record(line, number) for number, line in enumerate(lines, 1) if line.strip()]
    if not records or records[0].get("record") != "trace" or records[0].get("format") != FORMAT:
        raise Unreadable(f"a trace record of format {FORMAT} in line 1", "none")
    made: dict[str, dict[str, Any]] = {}
    for number, record in enumerate(records[1:], 2):
        try:
            _add(made, record)
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as reason:
            raise Unreadable(f"a record of a trace in line {number}", f"{type(reason).__name__}: {reason}") from reason
    unended = [name for name, one in made.items() if "ending" not in one]
    if unended:
        raise Unreadable("an end record for each exchange", f"none for {', '.join(unended)}")
    return [Recorded(**one) for one in made.values()]


def _record(line: bytes, number: int) -> dict[str, Any]:
    try:
        record = parse_json(line)
    except NotJson as reason:
        raise Unreadable(f"a JSON object in line {number}", str(reason)) from reason
    if not isinstance(record, dict):
        raise Unreadable(f"a JSON object in line {number}", type(record).__name__)
    return record


def _add(made: dict[str, dict[str, Any]], record: Mapping[str, Any]) -> None:
    """Put a record to the exchange that it is of."""
    match record["record"]:
        case "exchange":
            request = record["request"]
            made[record["id"]] = {
                "id": record["id"], "role": record["role"], "method": request["method"], "url": request["url"],
                "status": None, "headers": (), "head_us": 0, "chunks": [], "sent_us": int(record["at_us"]),
            }  # fmt: skip
        case "head":
            one = made[record["exchange"]]
            headers = [(str(name), str(value)) for name, value in record["headers"]]
            one |= {"status": int(record["status"]), "headers": headers, "head_us": record["at_us"] - one["sent_us"]}
        case "chunk":
            one = made[record["exchange"]]
            octets = record["text"].encode() if "text" in record else base64.b64decode(record["base64"], validate=True)
            one["chunks"].append((record["at_us"] - one["sent_us"], octets))
        case "end":
            one = made[record["exchange"]]
            one |= {"ending": str(record["ending"]), "ended_us": record["at_us"] - one.pop("sent_us")}
        case other:
            raise ValueError(f"an unknown record {other!r}")
