"""EVT-14: texts that are sent in pieces and then as a whole.

Must not know of which events, nor where: the rows of `events.assembles` say that.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from streamvet.checks.runs import by_run, ended, from_start, succeeded, unread, with_role
from streamvet.contract.profile import matches, pointed
from streamvet.decode import streams
from streamvet.outcome import NotExercised, apart, finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Finding, Outcome
    from streamvet.trace import Trace

NOTHING_WHOLE = NotExercised("no text was sent in pieces and then as a whole")


def assembled(trace: Trace, profile: Profile) -> Outcome:
    """EVT-14."""
    outcomes: list[list[Finding] | None] = []
    for row in profile.field("events.assembles"):
        if "record" in row:
            outcomes.append(_in_records(trace, profile, row))
        else:
            outcomes += [_in_events(one, row) for one in streams(trace, profile)]
    shown = [one for one in outcomes if one is not None]
    return [one for found in shown for one in found] if shown else NOTHING_WHOLE


def _in_events(one: Reading, row: Mapping[str, Any]) -> list[Finding] | None:
    """The findings of one stream, None where it has no whole of a text whose first piece it has as well."""
    pieces, wholes = tuple(row["pieces"]), tuple(row["whole"])
    joined: dict[str, str] = {}
    broken = not from_start(one)  # who has come back may lack the first pieces
    found, exercised, end = [], False, 0
    for event in one.events:
        broken, end = broken or unread(one, end, event.start), event.end
        kind, value = event.kind or "", one.value(event)
        key = json.dumps([pointed(value, place) for place in row.get("key", ())])
        if matches(kind, pieces):
            piece = pointed(value, row["at"])
            joined[key] = joined.get(key, "") + (piece if isinstance(piece, str) else "")
        elif matches(kind, wholes) and key in joined:
            whole, made = pointed(value, row["in"]), joined.pop(key)
            exercised = exercised or not broken
            if whole != made and not broken:
                wanted, seen = apart(made, whole)
                span = (event.start, event.end)
                found.append(finding(one.exchange, f"at {row['in']} what its pieces make, {wanted}", seen, span))
    return found if exercised else None


def _in_records(trace: Trace, profile: Profile, row: Mapping[str, Any]) -> list[Finding] | None:
    """The findings of runs that were read to their end and have a record, None where there is none with pieces."""
    records = {x.about.get("run"): x for x in with_role(trace, "record-after") if succeeded(x, profile)}
    found, exercised = [], False
    for label, readings in by_run(trace, profile).items():
        record = records.get(label)
        whole = pointed(record.json(), row["record"]) if record else None
        if record is None or whole is None:
            continue
        for one in readings:
            pieces = one.of(tuple(row["pieces"]))
            if not pieces or not from_start(one) or not _succeeded(one) or unread(one):
                continue
            exercised = True
            parts = [part for value in one.values(pieces) if isinstance(part := pointed(value, row["at"]), str)]
            if whole != (made := "".join(parts)):
                wanted, seen = apart(whole, made)
                span, beside = (0, len(one.exchange.body)), [record.id]
                want, absent = f"pieces that make {row['record']} of the record, {wanted}", _lacks_some(parts, whole)
                found.append(finding(one.exchange, want, seen, span, beside=beside, absent=absent))
    return found if exercised else None


def _succeeded(one: Reading) -> bool:
    """Whether a stream got to the end of a run that did its work; what a failed one has of a text is no whole."""
    outcomes = one.profile.terminal.outcomes if one.profile.terminal else {}
    return ended(one) and (not outcomes.get("succeeds") or bool(one.of(outcomes["succeeds"])))


def _lacks_some(parts: list[str], whole: Any) -> bool:
    """Whether a text has all the parts, in their order, and more between them."""
    if not isinstance(whole, str):
        return False
    at = 0
    for part in parts:
        at = whole.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True
