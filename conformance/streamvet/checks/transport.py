"""TRN: the answer that carries a stream, and what readers do to each other.

Must not know SSE or NDJSON: media types come from the framing's name.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from streamvet.checks import held_back
from streamvet.checks.opening import head_at_once
from streamvet.checks.runs import (
    by_run,
    emitted,
    ended,
    given_up,
    its_age,
    left_alone,
    outcome_kinds,
    scripted,
    succeeded,
    with_role,
)
from streamvet.checks.timing import no_answer, unanswered
from streamvet.contract.profile import pointed
from streamvet.decode import coding, frames, opened, readable, reading, streams
from streamvet.outcome import NotExercised, finding, shown
from streamvet.trace import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.events import Event
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Head, Trace

NO_STREAM = NotExercised("no stream was answered")

# RFC 9113, 8.2.2: with one of these a message of HTTP/2 is malformed, whatever a profile asks for.
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
_LINE_END = re.compile(rb"\r\n|\r|\n")
# Go's bufio.Scanner takes no line that does not fit into 64 KiB with its end.
LONG_LINE_BYTES = 65_536
SPELT_LONGER = 4  # so many times may an answer be as long as what was asked for: by escapes, and members of its own


def stream_status(trace: Trace, profile: Profile) -> Outcome:
    """TRN-01."""
    asked = [x for x in trace.exchanges if _is_to_succeed(x) and not _left_before_head(x)]
    asked = [x for x in asked if x.operation in profile.operations and not _is_of_another_row(x, trace)]
    if not asked:
        return NotExercised("no stream was requested with valid credentials")
    found, waited = [], [x for x in asked if unanswered(x)]
    for exchange in asked:
        if exchange in waited:
            continue
        status = profile.operations[exchange.operation].status
        if exchange.status not in (*status, *_instead(exchange, trace, profile)):
            seen = (
                f"status {exchange.status}{_to_where(exchange.head)}"
                if exchange.head
                else f"no answer: {exchange.ending.value} {exchange.detail}"
            ).strip()
            if exchange.about.get("cursor_from") in ("seen", "last-event-id"):
                seen += f", to the server's own cursor {shown(exchange.about['cursor'])}"
            found.append(
                finding(exchange, f"status {_or(status)}", seen, beside=_that_gave_its_cursor(exchange, trace))
            )
    return found or (no_answer(waited[0]) if waited else [])


def _instead(exchange: Exchange, trace: Trace, profile: Profile) -> tuple[int, ...]:
    """The statuses of a run that is over, and of one that fails before its stream begins, where it is such a one."""
    over = exchange.about.get("finished") or exchange.about.get("after_terminal")
    fails = exchange.operation.startswith("start:") and trace.stimulus.get("outcome") == "fails"
    failing = profile.operations[exchange.operation].raw.get("fails_with", ())
    return (*(exchange.about.get("over", ()) if over else ()), *(failing if fails else ()))


def _to_where(head: Head) -> str:
    """Where a redirect leads."""
    return f" to {head.get('location')}" if 300 <= head.status < 400 and head.get("location") else ""


def _that_gave_its_cursor(exchange: Exchange, trace: Trace) -> list[str]:
    """The streams of its run from one of which its cursor was taken."""
    if "cursor" not in exchange.about:
        return []
    run = exchange.about.get("run")
    return [x.id for x in trace.exchanges if opened(x) and x.about.get("run") == run and x.sent_us < exchange.sent_us]


def _is_to_succeed(exchange: Exchange) -> bool:
    """Whether it asks for a stream, or starts a run that is read by another request."""
    return exchange.about.get("meant") == "stream" or exchange.role == "start"


def _is_of_another_row(exchange: Exchange, trace: Trace) -> bool:
    """Whether another requirement says how it is answered, which may be a SHOULD where this one is a MUST.

    Those of a crowd and of short connections that are turned away as too many are TRN-12's and TRN-13's, those with an
    empty cursor CAT-10's, those after a restart CAT-14's and CAT-15's, those of a cancelled run CAN-05's.
    """
    about = exchange.about
    if exchange.status in CROWDED and exchange.role in {"many", "churn", "last", "reader", "late", "racer"}:
        return len({x.id for x in trace.exchanges if x.about.get("meant") == "stream"}) > 1
    if exchange.status in CROWDED and "cursor_from" not in about and _open_beside(exchange, trace):
        return True
    if exchange.head is None:
        return False
    cancelled = {x.about.get("run") for x in trace.exchanges if x.role in {"cancel", "cancel-racing"}}
    again = exchange.role == "after" and about.get("run") in cancelled
    return about.get("cursor_from") in ("empty", "malformed", "unknown") or bool(about.get("restarts")) or again


def _open_beside(exchange: Exchange, trace: Trace) -> list[Exchange]:
    """The streams that were open when one was requested."""
    return [x for x in trace.exchanges if opened(x) and x.sent_us < exchange.sent_us < x.ended_us]


def _left_before_head(exchange: Exchange) -> bool:
    return exchange.head is None and exchange.ending is Ending.CUT


def _or(values: tuple[int, ...]) -> str:
    return " or ".join(map(str, values))


def _each_head(expected: str, holds: Callable[[Head, Profile], bool], seen: Callable[[Head], object]) -> Check:
    """A check of one header property over all answered streams."""

    def check(trace: Trace, profile: Profile) -> Outcome:
        heads = [(exchange, exchange.head) for exchange in trace.exchanges if opened(exchange) and exchange.head]
        if not heads:
            return NO_STREAM
        want = expected.format(media_type=" or ".join(profile.media_types))
        return [finding(x, want, seen(head)) for x, head in heads if not holds(head, profile)]

    return check


def complete_message(trace: Trace, profile: Profile) -> Outcome:
    """TRN-04."""
    readings = [r for r in streams(trace, profile) if left_alone(r)]
    over = [r.exchange for r in readings]
    if not over:
        return NotExercised("no stream was ended by the server")
    return [
        finding(
            x,
            _its_end_is(x.head),
            f"{x.ending.value}: {x.detail}, {its_age(x)}{_unsaid(r)}",
            (len(x.body),) * 2,
            x.ended_us,
        )
        for r, x in zip(readings, over, strict=True)
        if not x.clean
    ] + [
        finding(x, "nothing on the connection after the end of the message", shown(x.about["behind"]), at_us=x.ended_us)
        for x in over
        if "behind" in x.about
    ]


def _its_end_is(head: Head | None) -> str:
    """How a message ends in its version of HTTP: RFC 9112, 6.3, or RFC 9113, 8.1."""
    if head is not None and head.http == "HTTP/2":
        return "a stream that ends with END_STREAM"
    return "a message that ends as HTTP says"


def _unsaid(one: Reading) -> str:
    """That a stream had not told its end either, where one that is cut off lacks its last event, too."""
    last = one.profile.terminal.last if one.profile.terminal else ()
    return "" if not last or one.of(last) else f", and no {' or '.join(last)} before that"


def _says_its_end(head: Head) -> bool:
    """Whether one thing, and one only, says where the message ends: chunked once, the last coding, or a length."""
    codings = [one.strip().lower() for one in head.get("transfer-encoding").split(",") if one.strip()]
    lengths = {one.strip() for one in head.get("content-length").split(",") if one.strip()}
    if codings:
        return codings[-1] == "chunked" and codings.count("chunked") == 1 and not lengths
    return len(lengths) == 1 and all(one.isascii() and one.isdigit() for one in lengths)


def _field(head: Head, name: str) -> str:
    return head.get(name, "none")


def delimited(trace: Trace, profile: Profile) -> Outcome:
    """TRN-05: RFC 9112, 6.3; HTTP/2 and 3 say the end of a message by their frames."""
    del profile
    heads = [(exchange, exchange.head) for exchange in trace.exchanges if opened(exchange) and exchange.head]
    if not heads:
        return NO_STREAM
    found = []
    for x, head in heads:
        if not head.http.startswith("HTTP/1"):
            continue
        coded, length = _field(head, "transfer-encoding"), _field(head, "content-length")
        if not _says_its_end(head):
            want, seen = "one of Transfer-Encoding: chunked and Content-Length", ""
        elif "behind" in x.about and length != "none":
            want, seen = (
                "a Content-Length that is the length of the stream",
                f", and {shown(x.about['behind'])} behind it",
            )
        else:
            continue
        found.append(finding(x, want, f"Transfer-Encoding: {coded}, Content-Length: {length}{seen}"))
    return found


def flushed(trace: Trace, profile: Profile) -> Outcome:
    """TRN-07: of a stream with a content coding, each event can be decoded before the pause behind it."""
    asked = [x for x in trace.exchanges if opened(x) and _offers_coding(x)]
    if not asked:
        return NotExercised("no stream was requested with Accept-Encoding: gzip, deflate, br, zstd")
    coded = [x for x in asked if coding(x)]
    if not coded:
        return []
    return held_back.released([reading(x, profile) for x in coded if readable(x)], trace, profile)


def _offers_coding(exchange: Exchange) -> bool:
    """Whether a request asks for a coding."""
    return any(weight for name, weight in (_accepted(exchange) or {}).items() if name != "identity")


def excluded_coding(trace: Trace, profile: Profile) -> Outcome:
    """TRN-16: no coding that the request does not take.

    A positive twin, a coding for the request that takes it, is not needed: a server that compresses nothing keeps this
    rightly, and loses nothing by it. A server that refuses everybody keeps every row of refusals, and serves nobody.
    What has to be granted here is the stream itself, which `opened` asks for.
    """
    del profile
    asked = [(x, accepted) for x in trace.exchanges if opened(x) and (accepted := _accepted(x)) is not None]
    if not asked:
        return NotExercised("no stream was requested with Accept-Encoding")
    found = []
    for x, accepted in asked:
        wrong = [one for one in _codings(coding(x)) if not _takes(accepted, one)]
        if wrong:
            want = "no coding but " + (", ".join(name for name, weight in accepted.items() if weight) or "identity")
            found.append(finding(x, want, f"Content-Encoding: {', '.join(wrong)}"))
    return found


def _codings(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _accepted(exchange: Exchange) -> dict[str, float] | None:
    """The weights of the codings that a request names (RFC 9110, 12.5.3); None where it says nothing, so takes all."""
    named = [value for name, value in exchange.request.headers if name.lower() == "accept-encoding"]
    if not named:
        return None
    weights = {}
    for one in _codings(",".join(named).lower()):
        name, _, weight = one.partition(";")
        text = weight.strip().removeprefix("q=")
        weights[name.strip()] = float(text) if re.fullmatch(r"[01]([.][0-9]{0,3})?", text) else 1.0
    return weights


def _takes(accepted: Mapping[str, float], name: str) -> bool:
    same = {"gzip": "x-gzip", "x-gzip": "gzip"}.get(name, name)  # RFC 9110, 8.4.1.3: the two are one
    return accepted.get(name, accepted.get(same, accepted.get("*", 0.0))) > 0


def released(trace: Trace, profile: Profile) -> Outcome:
    """TRN-03: nothing comes together that is due apart."""
    # A coding that a request asks for is TRN-07's.
    read = [one for one in streams(trace, profile) if not (coding(one.exchange) and _offers_coding(one.exchange))]
    return held_back.released(read, trace, profile)


def within_limits(trace: Trace, profile: Profile) -> Outcome:
    """TRN-08. A limit of the recorder's own is none: what it did not read is no violation."""
    limits = profile.field("framing.limits")
    read = [one for one in streams(trace, profile) if one.frames]
    if not read:
        return NotExercised("no stream had a frame")
    found = []
    for one in read:
        for frame in frames(one.exchange, profile):
            line_bytes = max(map(len, _LINE_END.split(one.exchange.body[frame.start : frame.end])))
            sizes = {"line_bytes": line_bytes, "event_bytes": frame.end - frame.start}
            found += [
                finding(one.exchange, f"at most {limits[name]} {name.replace('_', ' ')}", f"{size}", frame[1:3])
                for name, size in sizes.items()
                if size > limits.get(name, size)
            ]
    return found


def long_lines(trace: Trace, profile: Profile) -> Outcome:
    """TRN-18. A line that holds what the suite itself has asked for says nothing of the server."""
    read = [one for one in streams(trace, profile) if one.frames]
    if not read:
        return NotExercised("no stream had a frame")
    if _asked_chars(trace) > LONG_LINE_BYTES // SPELT_LONGER:
        return NotExercised("the suite has asked for events of that length")
    return [
        finding(one.exchange, f"lines of less than {LONG_LINE_BYTES} bytes", f"{end - start} bytes", (start, end))
        for one in read
        for start, end in _long_lines(one.exchange.body)
    ]


def _asked_chars(trace: Trace) -> int:
    """How much of what a stream shows may be the suite's own: scripts, and the bodies of requests."""
    return len(json.dumps(trace.stimulus)) + sum(len(x.request.body or "") for x in trace.exchanges)


def _long_lines(body: bytes) -> Iterator[tuple[int, int]]:
    """The spans of the lines of so many bytes, without their ends. Looks at the last line end of each stretch alone."""
    start = 0
    while len(body) - start >= LONG_LINE_BYTES:
        stretch = start + LONG_LINE_BYTES
        last = max(body.rfind(b"\n", start, stretch), body.rfind(b"\r", start, stretch))
        if last < 0:
            found = _LINE_END.search(body, stretch)
            end = found.start() if found else len(body)
            yield start, end
            last = end
        start = last + 1


# Linux lets a socket's send buffer grow to 4 MiB (tcp_wmem); the reader's own is kept at 128 KiB.
BUFFERED_BYTES = (4 << 20) + (128 << 10)


def independent_readers(trace: Trace, profile: Profile) -> Outcome:
    """TRN-10: while one reader stalled, the other one got to its end."""
    stalled = [x for x in with_role(trace, "stalled") if "stalled_until_us" in x.about and opened(x)]
    others = [r for r in streams(trace, profile) if r.exchange.role == "reader"]
    if not stalled or not others:
        return NotExercised("no reader stalled beside another one")
    until_us = min(int(x.about["stalled_until_us"]) for x in stalled)
    found: list[Finding] = []
    for one in others:
        last = _its_end(one, trace)
        if not last or last[-1].at_us > until_us:
            came = f"at {last[-1].at_us / 1000:.0f} ms" if last else "not at all"
            seen = (
                f"it came {came}, among {len(one.events)} events; the other one stalled until {until_us / 1000:.0f} ms"
            )
            want, beside = "the last event while another reader stalls", [x.id for x in stalled]
            found.append(
                finding(one.exchange, want, seen, at_us=until_us, beside=beside, absent=not last, timed=bool(last))
            )
    written = min(len(one.exchange.body) for one in others)
    if not found and trace.stimulus.get("script") is None and written < BUFFERED_BYTES:
        return NotExercised(f"a run of {written} bytes, which fit into the buffers of a reader that stalls")
    return found


def _its_end(one: Reading, trace: Trace) -> list[Event]:
    """The event with which a reader has everything, where it came: the last one, or that of what was published."""
    if one.profile.streams == "ambient":
        wanted = len(emitted(trace, one.profile) or ())
        return scripted(one)[wanted - 1 :][:1] if wanted else []
    return one.of(one.profile.terminal.last)[:1] if one.profile.terminal else []


def unaffected_by_leaving(trace: Trace, profile: Profile) -> Outcome:
    """TRN-11."""
    left = {x.about.get("run"): x for x in with_role(trace, "cut") if opened(x) and x.ending is Ending.CUT}
    if not left:
        return NotExercised("no reader was cut off from an active run")
    expected, found, exercised = outcome_kinds(trace, profile), [], False
    restarted = any(x.about.get("restarts") for x in trace.exchanges)
    cancelled = {x.about.get("run") for x in trace.exchanges if x.operation == "cancel"}
    for label, readings in by_run(trace, profile).items():
        rest = [r for r in readings if r.exchange.role != "cut" and ended(r)]
        if (
            label not in left
            or label in cancelled
            or restarted
            or not expected
            or not profile.terminal
            or trace.stimulus.get("outcome") == "cancelled"
        ):
            continue
        exercised = exercised or bool(rest)
        for one in rest:
            wrong = [e for e in one.of(profile.terminal.events) if e.kind not in expected]
            if wrong:
                want = f"the run to end with {' or '.join(expected)}, as if no reader had left"
                span, beside = (wrong[0].start, wrong[0].end), [left[label].id]
                found.append(finding(one.exchange, want, f"{wrong[0].kind}", span, beside=beside))
    early, gone = _ended_at_once(trace, profile, left)
    stayed, ended_by_it = _ended_beside(trace, profile, left)
    recorded, over = _ended_on_record(trace, profile, left)
    found += gone + ended_by_it + over
    if not found and _never_ended(trace, profile, left):  # by the leaving or not: its end is TRM-06's
        return NotExercised("the run from which a reader left was not seen to end", due=True)
    if not (exercised or early or stayed or recorded):
        return NotExercised("the outcome of the run from which a reader left is not known")
    return found


def _never_ended(trace: Trace, profile: Profile, left: dict[object, Exchange]) -> bool:
    """Whether a run from which a reader left has told another one nothing for so long that nobody waits any more."""
    return any(one.exchange.about.get("run") in left and given_up(one, trace) for one in streams(trace, profile))


def _ended_on_record(trace: Trace, profile: Profile, left: dict[object, Exchange]) -> tuple[bool, list[Finding]]:
    """Runs that go on until they are cancelled, and whose records show them as over when their only reader had left."""
    state = profile.field("operations.record.state")
    if not state or profile.field("readers.on_disconnect") != "continues":
        return False, []
    records = [x for x in with_role(trace, "record-left") if succeeded(x, profile) and x.about.get("run") in left]
    shows = [(x, pointed(x.json(), state["pointer"])) for x in records]
    want = "a run that continues after its only reader leaves"
    return bool(records), [
        finding(x, want, f"state {shown(value)}", (0, len(x.body)), beside=[left[x.about.get("run")].id])
        for x, value in shows
        if value in state["finished"]
    ]


def _ended_beside(trace: Trace, profile: Profile, left: dict[object, Exchange]) -> tuple[bool, list[Finding]]:
    """Runs that go on until they are cancelled, and ended while another reader was there that had not left."""
    if trace.stimulus.get("outcome") != "hangs" or trace.stimulus.get("script") is None or not profile.terminal:
        return False, []
    cancels = [x for x in trace.exchanges if x.operation == "cancel"]
    cancelled = {x.about.get("run"): x.sent_us for x in reversed(cancels)}  # the first one counts
    found, exercised = [], False
    for label, readings in by_run(trace, profile).items():
        gone = left.get(label)
        rest = [r for r in readings if r.exchange.role == "reader" and gone and r.head_us < gone.ended_us]
        exercised = exercised or any(r.exchange.ended_us > gone.ended_us for r in rest if gone)
        for one in rest:
            until_us = cancelled.get(label, one.exchange.ended_us + 1)
            early = [e for e in one.of(profile.terminal.events) if e.at_us < until_us]
            if early and gone:
                span, beside = (early[0].start, early[0].end), [gone.id]
                want = "a run that continues until it is cancelled, for its remaining readers"
                found.append(finding(one.exchange, want, str(early[0].kind), span, beside=beside))
    return exercised, found


def _ended_at_once(trace: Trace, profile: Profile, left: dict[object, Exchange]) -> tuple[bool, list[Finding]]:
    """Records that show a run as finished as soon as its only reader had left."""
    state = profile.field("operations.record.state")
    records = [
        x for x in with_role(trace, "record-detached") if x.about.get("run") in left and x.about.get("life", 1) < 1
    ]
    if not state or not records or not any(x.about["life"] < EARLY_LIFE for x in records):
        return False, []
    first = min(records, key=lambda x: float(x.about["life"]))
    value = pointed(first.json(), state["pointer"])
    if value not in state["finished"]:
        return True, []
    want = "a run that continues after its reader leaves"
    return True, [finding(x, want, f"state {shown(value)}", beside=[left[x.about.get("run")].id]) for x in records]


EARLY_LIFE = 0.3  # a record requested before this part of a detached run's life shows what the leaving itself did


def many_readers(trace: Trace, profile: Profile) -> Outcome:
    """TRN-12: a crowd of readers; and wherever else fewer than that were there and one was turned away."""
    many, wanted = with_role(trace, "many"), profile.field("readers.at_least")
    away = _turned_away(trace, wanted)
    if len(many) < wanted and not away:
        return NotExercised(f"{len(many)} of {wanted} readers at once were tried")
    if many and not any(opened(x) or x.status in CROWDED for x in many) and not away:
        return NotExercised("none of the readers was answered with a stream")  # which is no matter of their number
    unserved = [x for x in many if not _served(x, profile)] if len(many) >= wanted else []
    queued = _queued(trace, many) if len(many) >= wanted else []
    if not unserved and not away and not queued and not _at_once(many):
        return NotExercised("the run was over before all readers were attached")
    want, beside = f"each of {len(many)} readers served", [x.id for x in many]
    return (
        [finding(x, want, _service(x, profile), at_us=x.ended_us, beside=beside, absent=opened(x)) for x in unserved]
        + [
            finding(x, f"a reader beside {len(rest)} served, as {wanted} must be", f"status {x.status}", beside=rest)
            for x, rest in away
        ]
        + queued
    )


QUEUED_US = 1_000_000  # of waiting, while others are served and stay: a head takes some ms, on a busy machine some more


def _queued(trace: Trace, many: list[Exchange]) -> list[Finding]:
    """The readers that got their head only once the others had left: a queue is no service.

    That is known where the others stay until the run is cancelled.
    """
    left_us = min((x.sent_us for x in with_role(trace, "cancel")), default=None)
    there = [x for x in many if x.head and left_us is not None and x.head.at_us < left_us]
    if left_us is None or not there:
        return []
    want, found = f"each of {len(many)} readers served while all are attached", []
    for x in many:
        waited_us = left_us - x.sent_us - trace.late_us(x.sent_us, left_us)
        if opened(x) and x not in there and waited_us > QUEUED_US:
            seen = f"a head after {(left_us - x.sent_us) / 1000:.0f} ms beside {len(there)}, when the run was cancelled"
            found.append(finding(x, want, seen, beside=[one.id for one in there], timed=True))
    return found


def _at_once(many: list[Exchange]) -> bool:
    """Whether all of them were attached at the same time."""
    return max(x.head.at_us for x in many if x.head) <= min(x.ended_us for x in many)


# 429 Too Many Requests (RFC 6585, 4), 503 Service Unavailable (RFC 9110, 15.6.4): the refusals that speak of load.
CROWDED = (429, 503)


def _turned_away(trace: Trace, wanted: int) -> list[tuple[Exchange, list[str]]]:
    """Readers that a run refused because of its other ones, with the exchanges of these."""
    found, worn = [], _refused_later(trace)
    for x in trace.exchanges:
        expected = x.about.get("meant") == "stream" and "cursor_from" not in x.about
        if not expected or x.status not in CROWDED or x.role in ("many", "last") or x in worn:
            continue
        beside = [one.id for one in _open_beside(x, trace) if one.about.get("run") == x.about.get("run")]
        if 0 < len(beside) < wanted:
            found.append((x, beside))
    return found


def _served(exchange: Exchange, profile: Profile) -> bool:
    """Whether a reader was told something: that the stream is alive is not enough."""
    return opened(exchange) and bool(reading(exchange, profile).events)


def last_reader(trace: Trace, profile: Profile) -> Outcome:
    """TRN-13: the last one; and of the short ones, which are cut at their heads, those that were refused later on."""
    last, short = with_role(trace, "last"), with_role(trace, "churn")
    if not last or not short:
        return NotExercised("no series of short connections was tried")
    if not any(map(opened, short)) or not any(_served(x, profile) for x in (*short, *with_role(trace, "reader"))):
        return NotExercised("no earlier reader was served either")
    worn = [x for x in last if not _served(x, profile)] + _refused_later(trace)
    want = f"a reader after {len(short)} short ones served like the first"
    return [finding(x, want, _service(x, profile), at_us=x.ended_us, absent=opened(x)) for x in worn]


def _refused_later(trace: Trace) -> list[Exchange]:
    """The short connections that were refused after another one had gone."""
    short = with_role(trace, "churn")
    gone_us = min((x.ended_us for x in short if opened(x)), default=None)
    return [x for x in short if x.head and not opened(x) and gone_us is not None and x.sent_us > gone_us]


def _service(exchange: Exchange, profile: Profile) -> str:
    if exchange.head is None:
        return f"no answer: {exchange.ending.value} {exchange.detail}".strip()
    if not opened(exchange):
        return f"status {exchange.status}"
    read = reading(exchange, profile)
    return f"{len(read.events)} events, {len(read.beats)} heartbeats, then {exchange.ending.value}"


def stays_open(trace: Trace, profile: Profile) -> Outcome:
    """TRN-14, TRN-15: no stream on which nothing happens is closed before its time.

    A positive twin is not needed: what is granted is the open stream, without which nothing is judged here, and its
    closing is seen itself. Whether somebody still serves it, HBT-01 asks of the same stream, and CAT-01 of its first
    event; where a profile promises neither, no byte of an idle stream is due.
    """
    least_us = int(profile.field("transport.open.at_least_ms") * 1000 * trace.time_scale)
    watched = [r for r in streams(trace, profile) if r.exchange.role == "idle"]
    long_enough = [r for r in watched if r.exchange.by_server or r.exchange.ended_us - r.head_us >= least_us]
    if not long_enough:
        return NotExercised("no idle stream was watched for that long")
    want = f"a stream that stays open for {least_us / 1000:.0f} ms"
    return [
        finding(r.exchange, want, f"{r.exchange.ending.value} after {(r.exchange.ended_us - r.head_us) / 1000:.0f} ms",
                at_us=r.exchange.ended_us, timed=True)
        for r in long_enough
        if r.exchange.ended_us - r.head_us < least_us
    ]  # fmt: skip


def _forbids_reuse(head: Head) -> bool:
    directives = {part.partition("=")[0].strip().lower() for part in head.get("cache-control").split(",")}
    return bool(directives & {"no-cache", "no-store", "private"})


def passed_on(trace: Trace, profile: Profile) -> Outcome:
    """TRN-09."""
    del profile
    heads = [(x, x.head) for x in trace.exchanges if opened(x) and x.head]
    if not heads:
        return NO_STREAM
    seen = [(x, head) for x, head in heads if _asks_to_pass_on(head) or not _behind_nginx(head)]
    if not seen:
        return NotExercised("every stream came through nginx, which removes X-Accel-Buffering")
    want = "Incremental: ?1, or X-Accel-Buffering: no"
    return [
        finding(x, want, f"Incremental: {_field(head, 'incremental')}, "
                         f"X-Accel-Buffering: {_field(head, 'x-accel-buffering')}")
        for x, head in seen
        if not _asks_to_pass_on(head)
    ]  # fmt: skip


def _names_utf_8(head: Head) -> bool:
    """Whether the charset parameters of the media type, where there are any, say UTF-8 (RFC 9110, 8.3.2)."""
    return {one.lower() for one in _charsets(head)} <= {"utf-8", "utf8"}


def _charsets(head: Head) -> list[str]:
    parameters = (one.partition("=") for one in head.get("content-type").split(";")[1:])
    return [value.strip().strip("\"'") for name, _, value in parameters if name.strip().lower() == "charset"]


def _asks_to_pass_on(head: Head) -> bool:
    """By RFC 10036, 3: an Item with the Boolean true, whatever parameters it has (RFC 9651, 3.3.6); or by nginx's."""
    is_incremental = re.fullmatch(r" *[?]1 *(;.*)?", head.get("incremental"))
    return bool(is_incremental) or head.get("x-accel-buffering").strip().lower() == "no"


def _behind_nginx(head: Head) -> bool:
    """Whether an nginx says that it has answered, or passed the answer on: that uses X-Accel-* up, and sends none."""
    return "nginx" in f"{head.get('server')} {head.get('via')}".lower()


def required_fields(trace: Trace, profile: Profile) -> Outcome:
    """TRN-17."""
    wanted = profile.field("transport.headers")
    found, exercised = [], False
    for x in trace.exchanges:
        head = x.head
        if head is None or not opened(x):
            continue
        for name, value in wanted.items():
            got = head.get(name)
            if not got and name.lower().startswith("x-accel-") and _behind_nginx(head):
                continue
            if name.lower() in _HOP_BY_HOP and not head.http.startswith("HTTP/1"):
                continue
            exercised = True
            if got.strip().lower() != value.lower():
                found.append(finding(x, f"{name}: {value}", f"{name}: {got or 'none'}"))
    return found if exercised else NO_STREAM


CHECKS: dict[str, Check] = {
    "TRN-01": stream_status,
    "TRN-02": _each_head(
        "content-type {media_type}",
        lambda head, profile: head.media_type in profile.media_types,
        lambda head: f"content-type {head.get('content-type', 'none')}",
    ),
    "TRN-03": released,
    "TRN-04": complete_message,
    "TRN-05": delimited,
    "TRN-06": _each_head(
        "Cache-Control with no-cache, no-store or private",
        lambda head, _: _forbids_reuse(head),
        lambda head: f"Cache-Control: {head.get('cache-control', 'none')}",
    ),
    "TRN-07": flushed,
    "TRN-08": within_limits,
    "TRN-09": passed_on,
    "TRN-10": independent_readers,
    "TRN-11": unaffected_by_leaving,
    "TRN-12": many_readers,
    "TRN-13": last_reader,
    "TRN-14": stays_open,
    "TRN-15": stays_open,
    "TRN-16": excluded_coding,
    "TRN-17": required_fields,
    "TRN-18": long_lines,
    "TRN-19": _each_head(
        "no charset but utf-8", lambda head, _: _names_utf_8(head), lambda head: f"charset {', '.join(_charsets(head))}"
    ),
    "TRN-20": head_at_once,
}
