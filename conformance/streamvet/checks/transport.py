"""TRN: the answer that carries a stream, and what readers do to each other.

Must not know SSE or NDJSON: media types come from the framing's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks.runs import by_run, emitted, ended, left_alone, outcome_kinds, scripted, with_role
from streamvet.contract.profile import pointed
from streamvet.decode import opened, reading, streams
from streamvet.outcome import NotExercised, finding
from streamvet.trace import Ending

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet.contract.profile import Profile
    from streamvet.decode import Event, Reading
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Head, Trace

MEDIA_TYPES = {"sse": "text/event-stream", "ndjson": "application/x-ndjson"}
NO_STREAM = NotExercised("no stream was answered")

# A pause counts as kept when at least this part of it is seen between two arrivals. Half leaves room for a late
# scheduler on either side; a buffered stream shows next to none of it.
PAUSE_SEEN = 0.5
PAUSE_BEARS = 0.25  # of a pause: a harness, or a reader, that is later than this cannot tell
MIN_PAUSE_US = 200_000  # shorter pauses are too near to a scheduler's own delays to say anything
LIMIT = "limit:"  # how the recorder begins the detail of an exchange that it cut at a limit


def stream_status(trace: Trace, profile: Profile) -> Outcome:
    """TRN-01."""
    asked = [x for x in trace.exchanges if _is_to_succeed(x) and not _left_before_head(x)]
    if not asked:
        return NotExercised("no stream was requested with valid credentials")
    found = []
    for exchange in asked:
        status = profile.operations[exchange.operation].status
        if exchange.status not in status:
            seen = (
                f"status {exchange.status}"
                if exchange.head
                else f"no answer: {exchange.ending.value} {exchange.detail}"
            )
            found.append(finding(exchange, f"status {_or(status)}", seen.strip()))
    return found


def _is_to_succeed(exchange: Exchange) -> bool:
    """Whether it asks for a stream, or starts a run that is read by another request."""
    return exchange.about.get("meant") == "stream" or exchange.role == "start"


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
        want = expected.format(media_type=MEDIA_TYPES[profile.framing])
        return [finding(x, want, seen(head)) for x, head in heads if not holds(head, profile)]

    return check


def complete_message(trace: Trace, profile: Profile) -> Outcome:
    """TRN-04."""
    over = [r.exchange for r in streams(trace, profile) if left_alone(r)]
    if not over:
        return NotExercised("no stream was ended by the server")
    return [
        finding(
            x,
            "a message that ends as HTTP says",
            f"{x.ending.value}: {x.detail}",
            (len(x.body), len(x.body)),
            x.ended_us,
        )
        for x in over
        if not x.clean
    ]


def chunked(trace: Trace, profile: Profile) -> Outcome:
    """TRN-05."""
    del profile
    found, exercised = [], False
    for exchange in trace.exchanges:
        head = exchange.head
        if head and opened(exchange) and head.http == "HTTP/1.1":
            exercised = True
            coding = head.get("transfer-encoding").lower()
            if "chunked" not in coding:
                found.append(finding(exchange, "Transfer-Encoding: chunked", f"Transfer-Encoding: {coding or 'none'}"))
    return found if exercised else NotExercised("no stream was answered over HTTP/1.1")


def no_coding(trace: Trace, profile: Profile) -> Outcome:
    """TRN-07."""
    del profile
    asked = [x for x in trace.exchanges if x.about.get("gzip") and opened(x)]
    if not asked:
        return NotExercised("no stream was requested with Accept-Encoding: gzip")
    codings = [(x, x.head.get("content-encoding", "identity")) for x in asked if x.head]
    return [finding(x, "no Content-Encoding", f"Content-Encoding: {c}") for x, c in codings if c.lower() != "identity"]


def released(trace: Trace, profile: Profile) -> Outcome:
    """TRN-03: between the events on both sides of a scripted pause, the pause is seen."""
    pauses, wanted = _pauses(trace), emitted(trace, profile)
    if not pauses or wanted is None:
        return NotExercised("no script with a pause")
    # From the answer on, where there is one: a start that is slow in answering takes nothing from the pauses.
    started = {
        x.about.get("run"): x.head.at_us if x.head else x.sent_us
        for x in trace.exchanges
        if x.operation.startswith("start:")
    }
    found: list[Finding] = []
    exercised = False
    for one in streams(trace, profile):
        x, events = one.exchange, scripted(one)
        begun = started.get(x.about.get("run"), one.head_us if profile.streams == "ambient" else None)
        if x.role != "reader" or begun is None or len(events) != len(wanted):
            continue  # where one is lost or comes twice, which is another row's, they cannot be told apart
        came_us = one.head_us - begun if not x.operation.startswith("start:") else 0
        for before, due_us, pause_us in pauses:
            # Who comes when the pause is on its way already gets what was before it late.
            late_us = max(trace.jitter_us.get(x.id, 0), came_us - due_us)
            if before >= len(events) or late_us > pause_us * PAUSE_BEARS:
                continue
            exercised = True
            first, second = events[before - 1], events[before]
            gap_us = second.at_us - first.at_us
            if gap_us < pause_us * PAUSE_SEEN:
                least_ms, pause_ms = pause_us * PAUSE_SEEN / 1000, pause_us / 1000
                want = f"event {before} at least {least_ms:.0f} ms before the next: the run pauses {pause_ms:.0f} ms"
                seen = f"{gap_us / 1000:.0f} ms between them"
                found.append(finding(x, want, seen, (first.start, second.end), timed=True))
                break
    return found if exercised else NotExercised("no reader saw both sides of a pause, or the harness was late")


def _pauses(trace: Trace) -> list[tuple[int, int, int]]:
    """For each pause that is long enough: how many events come before it, when it is due, and how long it is; in µs."""
    pauses, emitted, due_us = [], 0, 0
    for step in trace.stimulus.get("script") or ():
        if "emit" in step:
            emitted += 1
            continue
        wait_us = int(step["wait_ms"] * 1000 * trace.time_scale)
        if emitted and wait_us >= MIN_PAUSE_US:
            pauses.append((emitted, due_us, wait_us))
        due_us += wait_us
    return pauses


def within_limits(trace: Trace, profile: Profile) -> Outcome:
    """TRN-08."""
    del profile
    asked = [x for x in trace.exchanges if x.about.get("meant") == "stream"]
    if not any(map(opened, asked)) and not any(x.detail.startswith(LIMIT) for x in asked):
        return NO_STREAM
    return [
        finding(x, "a stream within the recorder's limits", x.detail, (len(x.body), len(x.body)), x.ended_us)
        for x in asked
        if x.ending is Ending.CUT and x.detail.startswith(LIMIT)
    ]


def independent_readers(trace: Trace, profile: Profile) -> Outcome:
    """TRN-10: while one reader stalled, the other one got to its end."""
    stalled = [x for x in with_role(trace, "stalled") if "stalled_until_us" in x.about and opened(x)]
    others = [r for r in streams(trace, profile) if r.exchange.role == "reader"]
    if not stalled or not others:
        return NotExercised("no reader stalled beside another one")
    until_us = min(int(x.about["stalled_until_us"]) for x in stalled)
    found = []
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
    return found


def _its_end(one: Reading, trace: Trace) -> list[Event]:
    """The event with which a reader has everything, where it came: the last one, or that of what was published."""
    if one.profile.streams == "ambient":
        wanted = len(emitted(trace, one.profile) or ())
        return scripted(one)[wanted - 1 :][:1] if wanted else []
    return one.of(one.profile.terminal.last) if one.profile.terminal else []


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
    if not exercised and not early:
        return NotExercised("the outcome of the run from which a reader left is not known")
    return found + gone


def _ended_at_once(trace: Trace, profile: Profile, left: dict[object, Exchange]) -> tuple[bool, list[Finding]]:
    """Records that show a run as finished as soon as its only reader had left."""
    state = profile.field("operations.record.state")
    records = [
        x for x in with_role(trace, "record-detached") if x.about.get("run") in left and x.about.get("life", 1) < 1
    ]
    if not state or not records or not any(x.about["life"] < EARLY_LIFE for x in records):
        return False, []
    first = min(records, key=lambda x: float(x.about["life"]))
    shown = pointed(first.json(), state["pointer"])
    if shown not in state["finished"]:
        return True, []
    want = "a run that goes on when its reader leaves"
    return True, [finding(x, want, f"state {shown!r}", beside=[left[x.about.get("run")].id]) for x in records]


EARLY_LIFE = 0.3  # a record requested before this part of a detached run's life shows what the leaving itself did


def many_readers(trace: Trace, profile: Profile) -> Outcome:
    """TRN-12: a crowd of readers; and wherever else fewer than that were there and one was turned away."""
    many, wanted = with_role(trace, "many"), profile.field("readers.at_least")
    away = _turned_away(trace, wanted)
    if len(many) < wanted and not away:
        return NotExercised(f"{len(many)} of {wanted} readers at once were tried")
    unserved = [x for x in many if not _served(x, profile)] if len(many) >= wanted else []
    if not unserved and not away and not _at_once(many):
        return NotExercised("the run was over before all readers were there")
    want, beside = f"each of {len(many)} readers served", [x.id for x in many]
    return [
        finding(x, want, _service(x, profile), at_us=x.ended_us, beside=beside, absent=opened(x)) for x in unserved
    ] + [
        finding(x, f"a reader beside {len(rest)} served, as {wanted} must be", f"status {x.status}", beside=rest)
        for x, rest in away
    ]


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
        beside = [
            other.id
            for other in trace.exchanges
            if opened(other)
            and other.about.get("run") == x.about.get("run")
            and other.sent_us < x.sent_us < other.ended_us
        ]
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
        return NotExercised("no reader before it was served either")
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
    """TRN-14, TRN-15: no stream on which nothing happens is closed before its time."""
    least_us = int(profile.field("transport.open.at_least_ms") * 1000 * trace.time_scale)
    watched = [r for r in streams(trace, profile) if r.exchange.role == "idle"]
    long_enough = [r for r in watched if r.exchange.by_server or r.exchange.ended_us - r.head_us >= least_us]
    if not long_enough:
        return NotExercised("no idle stream was watched for so long")
    want = f"a stream that stays open for {least_us / 1000:.0f} ms"
    return [
        finding(r.exchange, want, f"{r.exchange.ending.value} after {(r.exchange.ended_us - r.head_us) / 1000:.0f} ms",
                at_us=r.exchange.ended_us, timed=True)
        for r in long_enough
        if r.exchange.ended_us - r.head_us < least_us
    ]  # fmt: skip


def _forbids_storing(head: Head) -> bool:
    directives = {part.partition("=")[0].strip().lower() for part in head.get("cache-control").split(",")}
    return bool(directives & {"no-cache", "no-store", "private"})


CHECKS: dict[str, Check] = {
    "TRN-01": stream_status,
    "TRN-02": _each_head(
        "content-type {media_type}",
        lambda head, profile: head.media_type == MEDIA_TYPES[profile.framing],
        lambda head: f"content-type {head.get('content-type', 'none')}",
    ),
    "TRN-03": released,
    "TRN-04": complete_message,
    "TRN-05": chunked,
    "TRN-06": _each_head(
        "Cache-Control with no-cache, no-store or private",
        lambda head, _: _forbids_storing(head),
        lambda head: f"Cache-Control: {head.get('cache-control', 'none')}",
    ),
    "TRN-07": no_coding,
    "TRN-08": within_limits,
    "TRN-09": _each_head(
        "X-Accel-Buffering: no",
        lambda head, _: head.get("x-accel-buffering").strip().lower() == "no",
        lambda head: f"X-Accel-Buffering: {head.get('x-accel-buffering', 'none')}",
    ),
    "TRN-10": independent_readers,
    "TRN-11": unaffected_by_leaving,
    "TRN-12": many_readers,
    "TRN-13": last_reader,
    "TRN-14": stays_open,
    "TRN-15": stays_open,
}
