"""Rules about keys that nothing could ever exercise, as the rest of the profile keeps them from it.

Such a key reads as a promise that is checked, and is none. Each row of the tables is one kind. Must not know which
requirement would look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.contract.fitting.misfit import Misfit
from streamvet.contract.profile import PseudoPointer, matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from streamvet.contract.profile import Profile

# What each kind of stream can have; a run may have any.
_ONLY: Mapping[str, tuple[str, ...]] = {
    "triggers": ("ambient",), "transport.open": ("ambient",), "readers": ("run", "ambient"),
    "catchup.cursor.absent": ("ambient",), "catchup.detached": ("run",), "catchup.last_event_id": ("run",),
    "catchup.after_restart": ("run", "ambient"), "readers.on_disconnect": ("run",),
    "readers.deliver_within_ms": ("ambient",), "auth.foreign": ("run",), "auth.unknown": ("run",),
    "operations.attach.not_acceptable": ("ambient",), "terminal.finished_within_ms": ("run",),
    "terminal.join_within_ms": ("run",), "terminal.run_within_ms": ("run", "push"), "terminal.unless": ("run",),
}  # fmt: skip
OF_READERS = (  # what only somebody shows who attaches to a run from its beginning
    "readers.at_least", "readers.independent", "readers.churns", "terminal.join_within_ms",
    "terminal.finished_within_ms", "catchup.last_event_id", "catchup.after_restart", "catchup.detached",
)  # fmt: skip
_REPLAYS = ("replay-all", "from-cursor")


class _Row(NamedTuple):
    """A key, and what it needs: it is idle where it is there and that does not hold."""

    path: str
    needs: Callable[[Profile], Any]
    because: str


def _kind(profile: Profile) -> str | None:
    kind: str | None = profile.field("catchup.kind")
    return kind


def _can_have_ids(profile: Profile) -> bool:
    return profile.framing == "sse" and profile.field("framing.ids") is not False


def _joined(profile: Profile) -> bool:
    return _kind(profile) in _REPLAYS or bool(profile.field("readers.independent"))


_NEEDS = (
    _Row("auth.parameter", lambda p: p.field("auth.kind") in ("cookie", "query", "header"),
         "because auth.kind needs no name"),
    _Row("auth.jwt", lambda p: p.field("auth.kind") not in ("basic", "none"), "because basic credentials are no token"),
    _Row("operations.record.history", lambda p: p.sequences and p.history,
         "without sequence and catchup.history, with which events are compared"),
    _Row("catchup.cursor", lambda p: _kind(p) == "from-cursor", "because catchup.kind is not from-cursor"),
    _Row("catchup.last_event_id", _can_have_ids, "because no event has an id"),
    _Row("catchup.last_event_id", lambda p: p.history, "without catchup.history, with which readers are compared"),
    _Row("catchup.after_restart", lambda p: p.streams != "run" or _kind(p) in _REPLAYS,
         "because catchup.kind replays nothing"),
    _Row("catchup.after_restart", lambda p: p.history, "without catchup.history, with which readers are compared"),
    _Row("terminal.join_within_ms", _joined,
         "without readers.independent, or a catchup.kind with which a reader that joins gets the rest"),
    _Row("heartbeat.event", lambda p: p.field("heartbeat.form") not in ("comment", "blank"),
         "because heartbeat.form is not event"),
    _Row("heartbeat.pattern", lambda p: p.field("heartbeat.form") != "blank", "because an empty line has no text"),
    _Row("heartbeat.time", lambda p: p.field("heartbeat.form") != "blank", "because an empty line has no text"),
    _Row("heartbeat.stirred_by", lambda p: p.streams == "ambient" and p.field("heartbeat.timer") == "idle",
         "except on an ambient stream with an idle timer"),
)  # fmt: skip


def streams_have_it(profile: Profile) -> Iterable[Misfit]:
    """Only an ambient stream has triggers and stays open without end; nobody joins a push, or has a run of one."""
    for path, possible in _ONLY.items():
        if _is_said(profile, path) and profile.streams not in possible:
            yield Misfit(_place(path), f"nothing, because streams are {profile.streams}", _shown(profile.field(path)))
    of_one = profile.streams == "run" and "attach" not in profile.operations
    for path in (*OF_READERS, "readers.at_most") if of_one else ():
        if _is_said(profile, path):
            yield Misfit(_place(path), "nothing, because no operation attaches to a run", "something")


def keys_are_exercised(profile: Profile) -> Iterable[Misfit]:
    """What a key needs is there."""
    for row in _NEEDS:
        if _is_said(profile, row.path) and not row.needs(profile):
            yield Misfit(_place(row.path), f"nothing, {row.because}", _shown(profile.field(row.path)))


def _is_said(profile: Profile, path: str) -> bool:
    return profile.field(path) not in (None, False)


def _place(path: str) -> str:
    return "/" + path.replace(".", "/")


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, dict) else repr(value)


def places_are_there(profile: Profile) -> Iterable[Misfit]:
    """Where no block has an id, nothing is there."""
    for index, one in enumerate(profile.sequences):
        place = "/sequence" if len(profile.sequences) == 1 else f"/sequence/{index}"
        if isinstance(one.place, PseudoPointer) and profile.field("framing.ids") is False:
            yield Misfit(f"{place}/pointer", "a JSON pointer, because framing.ids is false", repr(one.where))
    if isinstance(profile.cursor, PseudoPointer) and profile.field("framing.ids") is False:
        yield Misfit(
            "/catchup/cursor/pointer", "a JSON pointer, because framing.ids is false", repr(profile.cursor.value)
        )


def heartbeats_are_due(profile: Profile) -> Iterable[Misfit]:
    """One is due before every stream is over, while something is active, and it ends nothing."""
    beat, terminal = profile.heartbeat, profile.terminal
    if beat is None:
        return
    if beat.while_ == "active" and profile.streams == "ambient":
        yield Misfit("/heartbeat/while", "open, because an ambient stream has no runs", "'active'")
    if terminal and beat.event and matches(beat.event, (*terminal.events, *terminal.last)):
        yield Misfit("/heartbeat/event", "an event that ends nothing", repr(beat.event))
    if terminal and terminal.cap_ms and beat.interval_ms >= terminal.cap_ms:
        wanted = f"less than terminal.cap_ms, {terminal.cap_ms}, at which every stream is over"
        yield Misfit("/heartbeat/interval_ms", wanted, str(beat.interval_ms))


def limits_can_be_reached(profile: Profile) -> Iterable[Misfit]:
    """A line that is longer than any event is in no event."""
    line, event = profile.field("framing.limits.line_bytes"), profile.field("framing.limits.event_bytes")
    if line and event and line > event:
        yield Misfit("/framing/limits/line_bytes", f"at most event_bytes, {event}", str(line))


def cursors_are_told_apart(profile: Profile) -> Iterable[Misfit]:
    """A text that can be no cursor is another one than a cursor that no event has, and than none."""
    wrong = {key: profile.field(f"catchup.cursor.{key}.send") for key in ("malformed", "unknown")}
    for key, sent in wrong.items():
        if sent == "":
            yield Misfit(
                f"/catchup/cursor/{key}/send",
                "a text that is not empty; `empty` states the answer to an empty cursor",
                "''",
            )
    if wrong["unknown"] is not None and str(wrong["malformed"]) == str(wrong["unknown"]):
        wanted = "a cursor other than that of malformed"
        yield Misfit("/catchup/cursor/unknown/send", wanted, repr(wrong["unknown"]))
