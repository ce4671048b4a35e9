"""What a command printed, as outcomes: each line is held to its schema, and to the traces that were given.

Must not know how a command is started.
"""

from __future__ import annotations

import contextlib
import json
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from streamvet.commands.process import CommandError
from streamvet.contract.files import cut, meta_validator, mismatch, read_json, schemas_folder
from streamvet.outcome import NotExercised, brief, finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.commands.spool import Spool
    from streamvet.outcome import Finding, Outcome
    from streamvet.trace import Trace


def outcomes_in(output: bytes, ids: set[str], spool: Spool) -> dict[tuple[str, int], Outcome]:
    """The outcomes that a command printed.

    Raises:
        CommandError: where a line is none, or is about something else.
    """
    lines: dict[tuple[str, int], tuple[int, dict[str, Any]]] = {}
    for number, line in enumerate(output.splitlines(), start=1):
        if not line.strip():
            continue
        row = _outcome(line, number)
        key = (row["id"], row["trace"])
        if row["id"] not in ids:
            raise CommandError(f"printed in line {number} the id {row['id']}; it checks {', '.join(sorted(ids))}")
        if row["trace"] > len(spool.kept):
            raise CommandError(f"printed in line {number} the trace {row['trace']}; there are {len(spool.kept)}")
        if key in lines:
            raise CommandError(f"printed in line {number} a second outcome of {row['id']} for trace {row['trace']}")
        lines[key] = number, row
    outcomes: dict[tuple[str, int], Outcome] = {}
    for trace_number, group in groupby(sorted(lines, key=lambda key: key[1]), key=lambda key: key[1]):
        trace: Trace | None = None
        for key in group:
            number, row = lines[key]
            if not row["exercised"]:
                outcomes[key] = NotExercised(brief(row["reason"]))
            elif not row.get("findings"):
                outcomes[key] = []
            else:
                trace = trace or spool.trace(trace_number)
                outcomes[key] = [_finding(one, trace, number) for one in row["findings"]]
    return outcomes


@cache
def _decider() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(read_json(schemas_folder() / "meta" / "outcome.schema.json"))


def _outcome(line: bytes, number: int) -> dict[str, Any]:
    """The outcome of a line."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        text = cut(repr(line.decode("utf-8", "replace")))
        raise CommandError(f"printed in line {number} no JSON: {text}") from error
    with contextlib.suppress(ValueError):  # a lone surrogate, which is no text for jsonschema-rs
        if _decider().is_valid(row):
            return dict(row)
    found = mismatch(meta_validator("outcome"), row)
    if found is None:
        return dict(row)
    place, expected, got = found
    raise CommandError(f"printed in line {number} no outcome: {place or 'the line'}: expected {expected}, got {got}")


def _finding(row: Mapping[str, Any], trace: Trace, number: int) -> Finding:
    """A finding with its exchange, which has to be there, as have the bytes of the span."""
    place = f"line {number}, of {trace.name}," if trace.name else f"line {number}"
    exchange = next((one for one in trace.exchanges if one.id == row["exchange"]), None)
    if exchange is None:
        known = ", ".join(one.id for one in trace.exchanges) or "none"
        wrong = f"the exchange {cut(repr(row['exchange']))}; the trace has {cut(known)}"
        raise CommandError(f"printed in {place} {wrong}")
    start, end = row.get("span", (0, 0))
    if not start <= end <= len(exchange.body):
        wrong = f"the span {start} to {end}; the body of {exchange.id} has {len(exchange.body)} bytes"
        raise CommandError(f"printed in {place} {wrong}")
    return finding(exchange, brief(row["expected"]), brief(row["seen"]), (start, end), row.get("at_us"))
