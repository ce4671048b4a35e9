"""A guess -> the files of a profile folder: profile.yaml with a comment on each line that is one, and event schemas.

Each comment begins with what it is: *seen* on the stream, *guessed* from that, or for the reader to *decide*. Must not
know sockets, nor who asked.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamvet.contract.fitting.files import DIALECT
from streamvet.contract.folders import builtin_profiles
from streamvet.observing.access import access_of
from streamvet.observing.numbering import EVENT_ID
from streamvet.observing.sample import SSE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from streamvet.observing.guess import Guess
    from streamvet.observing.question import Question

KIND = "stream"  # the kind of run that a push starts
START = f"start:{KIND}"
_LEAST_TOLERANCE_MS = 200
_PLAIN = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Draft:
    """A folder: the texts of its files, by their names in it. `operation` is the one that gives the stream."""

    name: str
    files: Mapping[str, str]
    operation: str
    framing: str


def draft(guess: Guess, question: Question | None, source: str, name: str = "") -> Draft:
    """The folder for a guess. `question` is None where a file was captured; `source` says where it came from."""
    chosen = name or name_of(question.path if question else source)
    files = _schemas(guess, chosen)
    kind = streams_of(guess, question)
    sections = (
        _head(guess, chosen, kind, source, question), _framing(guess), _operations(question, kind), _events(guess),
        _sequence(guess, kind), _heartbeat(guess, kind), _terminal(guess, kind), _open(guess, kind),
    )  # fmt: skip
    text = "\n".join("\n".join(lines) + "\n" for lines in map(list, sections) if lines)
    return Draft(chosen, {"profile.yaml": text, **files}, START if kind == "push" else "attach", guess.framing)


def name_of(path: str) -> str:
    """A profile's name from a path: its last part that is one."""
    parts = (re.sub(r"[^a-z0-9]+", "-", part.rpartition(".")[0].lower() or part.lower()).strip("-")
             for part in reversed(path.split("/")))  # fmt: skip
    found = next((part for part in parts if _PLAIN.fullmatch(part)), "observed")
    return f"my-{found}" if found in builtin_profiles() else found


def streams_of(guess: Guess, question: Question | None) -> str:
    """What a stream is of, as far as one shows it: the answer to a request, where it has an end; else all that goes on.

    That it is of a run, which others may join, takes a second address to know.
    """
    del question
    return "push" if guess.last is not None else "ambient"


def flow(value: Any) -> str:
    """A value on one line; JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)


def noted(line: str, note: str) -> str:
    """A line with a comment."""
    return f"{line}  # {note}"


def _head(guess: Guess, name: str, kind: str, source: str, question: Question | None) -> Iterator[str]:
    sample = guess.sample
    seconds = f" in {(sample.exchange.ended_us - sample.begun_us) / 1e6:.1f} s" if sample.timed else ""
    yield f"# Drafted from {source}: {len(sample.events)} events{seconds}."
    yield "# One stream shows what the server did, not what it promises. Each comment marks what was SEEN, what is"
    yield "# GUESSED from that, and what you have to DECIDE. A key that is left out is not promised, and not judged."
    yield "format: 2"
    yield f"profile: {name}"
    yield noted(f"title: {flow(f'The stream at {question.path}' if question else f'The stream in {source}')}", "DECIDE")
    yield "version: 1"
    if kind == "push":
        yield noted(
            f"streams: {kind}", f"GUESSED: it ended with {guess.last}. DECIDE: run, if others can join it later"
        )
    else:
        over = "the server ended it, and no event says so" if guess.ended else "it did not end while it was read"
        yield noted(f"streams: {kind}", f"GUESSED: {over}. DECIDE: run or push, if an event ends it")


def _framing(guess: Guess) -> Iterator[str]:
    exchange = guess.sample.exchange
    seen = exchange.head.get("content-type") if exchange.head and guess.sample.timed else "the bytes"
    yield "framing:"
    yield noted(f"  kind: {guess.framing}", f"SEEN: {seen or 'the bytes'}")
    if guess.framing == SSE:
        if guess.with_ids:
            yield noted("  ids: true", f"SEEN: {guess.with_ids} of {len(guess.sample.events)} events have an id")
        if guess.telling.repeated:
            yield noted(f"  event_name: {{pointer: {flow(guess.telling.repeated)}}}", "SEEN in every event")
        if guess.telling.always:
            yield noted(f"  event_name: {{equals: {flow(guess.telling.always)}}}", "SEEN in every event")
        yield "  # one_data_line: true     DECIDE: whether the JSON of an event is always on one data line"
    elif any(one.form == "blank" for one in guess.sample.quiet):
        yield noted("  blank_lines: allowed", "SEEN: empty lines")
    yield "  # limits: {line_bytes: 65536}     DECIDE: what no line is longer than"


def _operations(question: Question | None, kind: str) -> Iterator[str]:
    access = access_of(question)
    yield noted(f"auth: {flow(access.auth)}", access.note)
    yield ""
    yield "operations:"
    name = START if kind == "push" else "attach"
    if question is None:
        row: dict[str, Any] = {"method": "GET", "path": "/"}
        yield "  # DECIDE: bytes do not show which request they answer"
    else:
        row = {"method": question.method, "path": question.path}
        row |= {"query": question.query} if question.query else {}
        row |= {"headers": dict(access.headers)} if access.headers else {}
        row |= {"body": question.body} if question.has_body else {}
    yield f"  {flow(name) if ':' in name else name}: {flow({**row, 'status': [200], 'streams': True})}"
    if kind == "push":
        yield "  # DECIDE: if a run has an address of its own: start:<kind> with run_id, attach, resume, cancel, record"


def discriminated(how: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The beginning of `events`: an open set, and the rules by which types are told; `how` they were found."""
    yield "events:"
    yield noted("  set: open", "DECIDE: closed, if no other type may ever occur")
    yield f"  discriminator:  # GUESSED: {how}"
    yield from (f"    - {flow(row)}" for row in rows)


def _events(guess: Guess) -> Iterator[str]:
    yield from discriminated(guess.telling.how, guess.telling.rows)
    yield "  types:"
    for kind, file in _files_of(guess).items():
        yield noted(f"    {flow(kind)}: {file}", f"SEEN: {guess.counts.get(kind, 0)}")
    if guess.shared and guess.last is not None:
        yield noted(f"  same: {flow(list(guess.shared))}", "SEEN: one value in all events")


def _files_of(guess: Guess) -> dict[str, str]:
    """The schema file of each type that is read; of one where none is."""
    return file_names(list(guess.schemas) or list(guess.counts) or ["message"])


def file_names(kinds: Sequence[str]) -> dict[str, str]:
    """A file for the schema of each of these types, named after it."""
    found: dict[str, str] = {}
    for kind in kinds:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", kind).strip("-.")[:60] or "event"
        numbers = range(1, len(kinds) + 1)
        names = (f"events/{stem}{f'-{number}' if number > 1 else ''}.schema.json" for number in numbers)
        found[kind] = next(name for name in names if name not in found.values())
    return found


def _schemas(guess: Guess, name: str) -> dict[str, str]:
    made = {}
    for kind, file in _files_of(guess).items():
        count = guess.counts.get(kind, 0)
        seen = guess.schemas.get(kind, {})
        schema = {
            "$schema": DIALECT, "$id": f"https://example.org/{name}/{file}", "title": kind,
            "description": f"Inferred from {count} events: what they have in common." if seen else "No JSON was seen.",
            **seen,
        }  # fmt: skip
        made[file] = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    return made


def _sequence(guess: Guess, kind: str) -> Iterator[str]:
    found = guess.numberings[:1]
    if not found:
        yield "# sequence:     no number was seen that increases from event to event"
    for one in found:
        working = {each for each in guess.counts if guess.beat is None or each != guess.beat.kind}
        rises = f"by {one.step}" if one.step else "by different steps"
        row: dict[str, Any] = {"events": ["*"] if set(one.kinds) == working and not _beats(guess) else list(one.kinds)}
        row["pointer"] = one.place
        if one.step and kind == "push" and one.first in (0, 1):
            row |= {"first": one.first, "step": one.step}
        yield noted(f"sequence: {flow(row)}", f"SEEN: {one.first} to {one.last}, increasing {rises}")
        if "step" not in row:
            yield "# DECIDE: first and step, if there are no gaps and each stream, or run, begins with the same number"
    others = [one.place for one in guess.numberings[1:]]
    if others:
        yield f"# SEEN to increase too: {', '.join(others)}"


def _beats(guess: Guess) -> bool:
    return guess.beat is not None and guess.beat.kind is not None


def _heartbeat(guess: Guess, kind: str) -> Iterator[str]:
    beat = guess.beat
    if beat is None:
        yield "# heartbeat:     none was seen. DECIDE: whether one is promised, and its interval in ms"
        return
    interval_ms = beat.interval_ms
    off = "" if interval_ms is not None else "# "
    if interval_ms is None:
        yield f"# A heartbeat was SEEN {beat.count} times, {beat.shown}; DECIDE its interval, as a capture has no times"
    yield f"{off}heartbeat:"
    yield f"{off}  form: {beat.form}"
    if beat.kind is not None:
        yield f"{off}  event: {flow(beat.kind)}"
    gaps = f"{len(beat.gaps_us)} measured" if beat.interval_us is None else f"{beat.interval_us / 1000:.0f} ms"
    measured = f"MEASURED: {gaps}, {len(beat.gaps_us)} times. DECIDE"
    yield noted(f"{off}  interval_ms: {interval_ms or 15000}", measured if interval_ms else "DECIDE")
    tolerance_ms = min(max((interval_ms or 15000) // 4, _LEAST_TOLERANCE_MS), interval_ms or 15000)
    yield noted(f"{off}  tolerance_ms: {tolerance_ms}", "DECIDE: how much later than its interval it may be")
    timers = {"fixed": "SEEN: events do not postpone it", "idle": "SEEN: events postpone it", "": "GUESSED. DECIDE"}
    yield noted(f"{off}  timer: {beat.timer or 'idle'}", timers[beat.timer])
    yield f"{off}  while: {'active' if kind == 'push' else 'open'}"
    if beat.pattern is not None:
        yield noted(f"{off}  pattern: {flow(beat.pattern)}", "GUESSED")


def _terminal(guess: Guess, kind: str) -> Iterator[str]:
    if kind != "push" or guess.last is None:
        yield "# terminal:     no event was seen that ends a stream. DECIDE: which one does, if any"
        return
    outcome = "fails" if guess.fails else "succeeds"
    yield "terminal:"
    yield noted(
        f"  events: {flow([guess.last])}", "GUESSED. DECIDE: all events that state how it ended, failures included"
    )
    yield noted(f"  last: {flow([guess.last])}", "SEEN: nothing came after it")
    yield noted(f"  outcomes: {flow({outcome: [guess.last]})}", "GUESSED by its name. DECIDE")
    yield "  # close_within_ms: 1000     DECIDE: within what time of the last event the server closes the stream"


def _open(guess: Guess, kind: str) -> Iterator[str]:
    if kind == "ambient":
        yield "# catchup: {kind: none}     DECIDE: none, or snapshot-first with what each stream begins with"
    if guess.framing == SSE and any(one.place == EVENT_ID for one in guess.numberings):
        yield "# The ids number events. DECIDE: catchup.kind from-cursor and the operation resume, if they resume a run"
    yield "# transport: {delimited: self}     DECIDE: whether clients can distinguish a cut stream from an ended one"
