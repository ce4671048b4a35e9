"""Reads a trace file back into a trace, and says in which line it is no trace file.

Must not know what writes such files: anybody may.
"""

from __future__ import annotations

import base64
import json
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamvet.trace.format import FIRST, FORMAT
from streamvet.trace.values import Attempt, Ending, Exchange, Head, Late, Request, Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_SEEN_CHARS = 60  # how much of a wrong line an error shows


class TraceError(Exception):
    """A trace file that is not one: `place` is the line, then what was expected and what was got."""

    def __init__(self, source: str, line: int, expected: str, got: str) -> None:
        super().__init__(source, line, expected, got)  # all of them: by these it is pickled, where a worker raises it

    def __str__(self) -> str:
        source, line, expected, got = self.args
        return f"{source}: line {line}: expected {expected}, got {got}"


@dataclass(slots=True)
class _Open:
    """An exchange whose `end` record has not been read yet."""

    first: dict[str, Any]
    request: Request
    head: Head | None = None
    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    ends: array[int] = field(default_factory=lambda: array("q"))
    times: array[int] = field(default_factory=lambda: array("q"))

    @classmethod
    def of(cls, record: dict[str, Any]) -> _Open:
        """The exchange that a record begins; it has all that the end will ask for."""
        request = record["request"]
        asked = Request(request["method"], request["url"], _pairs(request["headers"]), request["body"])
        return cls({key: record[key] for key in ("id", "operation", "role", "about", "at_us")}, asked)

    def add(self, at_us: int, data: bytes) -> None:
        self.parts.append(data)
        self.size += len(data)
        self.ends.append(self.size)
        self.times.append(at_us)

    def close(self, end: dict[str, Any]) -> Exchange:
        first = self.first
        body = b"".join(self.parts)
        self.parts.clear()
        return Exchange(
            id=first["id"], operation=first["operation"], role=first["role"], about=first["about"],
            request=self.request, sent_us=first["at_us"], head=self.head, body=body, ends=self.ends, times=self.times,
            ending=Ending(end["ending"]), ended_us=end["at_us"], detail=end.get("detail", ""),
            coding=str(end.get("coding", "")), wire_bytes=int(end.get("wire_bytes", 0)),
        )  # fmt: skip


def _pairs(rows: Iterable[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(value)) for name, value in rows)


def _chunk_data(record: dict[str, Any]) -> bytes:
    if "text" in record:
        return str(record["text"]).encode()
    return base64.b64decode(record["base64"], validate=True)


_RECORD = "a record of the trace format"


def _record(line: str, source: str, number: int) -> dict[str, Any]:
    """The JSON object of a line."""
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise TraceError(source, number, _RECORD, f"a text that is no whole JSON, {_cut(line)}") from error
    except RecursionError as error:
        raise TraceError(source, number, _RECORD, "JSON that is nested too deep") from error
    except ValueError as error:
        raise TraceError(source, number, _RECORD, "JSON with a number that is too long") from error
    if not isinstance(record, dict):
        raise TraceError(source, number, _RECORD, f"JSON that is no object, {_cut(line)}")
    return record


def _wrong_in(record: Mapping[str, Any], error: Exception) -> str:
    """What is wrong with a record, in words."""
    kind = record.get("record")
    if isinstance(error, KeyError):
        key = error.args[0]
        if key == record.get("exchange"):
            return f"a record of {kind} for the exchange {key!r}, which has not begun or has ended"
        return "an object without the key record" if key == "record" else f"a record of {kind} without the key {key}"
    return f"a record of {kind} with a value that is none of the format's, {_cut(json.dumps(record))}"


def _cut(text: str) -> str:
    """A text in quotes, or its beginning."""
    text = text.strip()
    return repr(text) if len(text) <= _SEEN_CHARS else repr(text[:_SEEN_CHARS]) + "…"


def load(
    lines: Iterable[str], source: str, wrong_in: Callable[[Mapping[str, Any]], tuple[str, str] | None] | None = None
) -> Trace:
    """Read a trace file; `source` names it in errors. What else is wrong in a record, expected and got, others may say.

    Raises:
        TraceError: with file, line, expected and got, where a record is not one of the format's.
    """
    first: dict[str, Any] | None = None
    opened: dict[str, _Open] = {}
    closed: dict[str, Exchange] = {}
    order: list[str] = []
    number = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record = _record(line, source, number)
        try:
            kind = record["record"]
            if first is None:
                first = _first(record, kind, source, number)
            elif kind == "exchange":
                opened[record["id"]] = _Open.of(record)
                order.append(record["id"])
            elif kind == "head":
                opened[record["exchange"]].head = Head(
                    int(record["status"]), str(record["http"]), _pairs(record["headers"]), int(record["at_us"])
                )
            elif kind == "chunk":
                opened[record["exchange"]].add(int(record["at_us"]), _chunk_data(record))
            elif kind == "end":
                closed[record["exchange"]] = opened.pop(record["exchange"]).close(record)
            else:
                raise TraceError(source, number, "a record of exchange, head, chunk or end", repr(kind))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise TraceError(source, number, _RECORD, _wrong_in(record, error)) from error
        wrong = wrong_in(record) if wrong_in else None
        if wrong:
            raise TraceError(source, number, *wrong)
    if first is None:
        raise TraceError(source, max(number, 1), "a first record with record: trace", "an empty file")
    if opened:
        raise TraceError(source, number, f"an end record for {', '.join(sorted(opened))}", "the end of the file")
    return Trace(
        probe=first["probe"], stimulus=first["stimulus"], exchanges=tuple(closed[i] for i in order),
        profile=first["profile"], digest=first["digest"], revision=first["revision"], time_scale=first["time_scale"],
        wall_clock=first["wall_clock"], lacks=tuple(first["lacks"]), accounts=first["accounts"],
        late=_late(first["late"], source), name=source, attempt=_attempt(first, source),
        spec=_spec(first, source), answers=_answers(first, source),
    )  # fmt: skip


def _spec(record: dict[str, Any], source: str) -> int:
    given = record.get("spec", 0)
    if type(given) is not int:
        raise TraceError(source, 1, "spec to be a whole number", _cut(repr(given)))
    return given


def _answers(record: dict[str, Any], source: str) -> dict[str, Any]:
    given = record.get("with", {})
    if not isinstance(given, dict):
        raise TraceError(source, 1, "with to be an object", _cut(repr(given)))
    return given


def _attempt(record: dict[str, Any], source: str) -> Attempt | None:
    given = record.get("attempt")
    if given is None:
        return None
    if not isinstance(given, dict) or not all(type(given.get(key)) is int for key in Attempt._fields):
        raise TraceError(source, 1, f"attempt to have the numbers {' and '.join(Attempt._fields)}", _cut(repr(given)))
    return Attempt(*(given[key] for key in Attempt._fields))


def _late(rows: list[Any], source: str) -> tuple[Late, ...]:
    """The times in which the harness was late: none begins before the one before it is over."""
    found: list[Late] = []
    for row in rows:
        fits = isinstance(row, list) and len(row) == len(Late._fields) and all(type(one) is int for one in row)
        over_us = sum(found[-1]) if found else 0
        if not fits or row[0] < over_us or row[1] < 0:
            wanted = "late to have pairs of a time and a duration, one after the other"
            raise TraceError(source, 1, wanted, _cut(repr(row)))
        found.append(Late(*row))
    return tuple(found)


def _first(record: dict[str, Any], kind: object, source: str, number: int) -> dict[str, Any]:
    if kind != "trace":
        raise TraceError(source, number, "a first record with record: trace", repr(kind))
    if record.get("format") != FORMAT:
        raise TraceError(source, number, f"format {FORMAT}", f"{record.get('format')!r}; record it again")
    missing = [key for key in FIRST if key not in record]
    if missing:
        raise TraceError(source, number, f"the keys {', '.join(FIRST)}", f"none of {', '.join(missing)}")
    for key, types in FIRST.items():
        if not isinstance(record[key], types) or isinstance(record[key], bool):
            wanted = " or ".join(_JSON_TYPES[one] for one in types)
            raise TraceError(source, number, f"{key} to be {wanted}", _cut(json.dumps(record[key])))
    return record


_JSON_TYPES = {str: "a text", dict: "an object", list: "a list", int: "a whole number", float: "a number"}
