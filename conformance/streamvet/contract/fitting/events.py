"""Rules about events: their types, heartbeats, catching up, and what ends a run.

Must not know requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.contract.files import step
from streamvet.contract.fitting.idle import OF_READERS
from streamvet.contract.fitting.misfit import Misfit
from streamvet.contract.profile import PseudoPointer, matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from streamvet.contract.profile import Profile


# What each kind of stream can have; a run may have any.
_CATCHUPS: Mapping[str, tuple[str, ...]] = {"push": ("none",), "ambient": ("none", "snapshot-first", "from-cursor")}
_FORMS: Mapping[str, tuple[str, ...]] = {
    "sse": ("event", "comment", "blank", "any"), "ndjson": ("object", "blank", "any"),
}  # fmt: skip


def _named(profile: Profile) -> Iterator[tuple[str, str]]:
    """Every event type that profile.yaml names outside of `events.types`, with its place."""
    lists = {
        path: profile.field(path) or ()
        for path in ("terminal.events", "terminal.last", "terminal.pauses", "catchup.history", "catchup.first.events",
                     "events.script.own", "catchup.cursor.events", "catchup.cursor.gap.events", "error.events")
    } | {
        "sequence.events": [kind for one in profile.sequences for kind in one.events]
    } | {f"terminal.outcomes.{name}": kinds for name, kinds in (profile.field("terminal.outcomes") or {}).items()} | {
        f"triggers.{name}.told": row["told"] for name, row in (profile.field("triggers") or {}).items()
    }  # fmt: skip
    if profile.heartbeat and profile.heartbeat.event:
        yield "/heartbeat/event", profile.heartbeat.event
    for path, kinds in lists.items():
        yield from (("/" + path.replace(".", "/"), kind) for kind in kinds)
    for name, table in profile.lifecycles.items():
        yield from ((f"/lifecycles/{name}/forbids", kind) for kind in table.forbids)
        for state, row in table.states.items():
            yield from ((f"/lifecycles/{name}/states/{state}", kind) for kind in row)


def is_known(profile: Profile, kind: str) -> bool:
    """Whether `events` knows of a type, or of one that begins so: by its types, or by a rule of the discriminator."""
    named = {*profile.types, *profile.groups, *(rule.kind for rule in profile.rules if rule.kind)}
    if kind in named or matches(kind, tuple(profile.groups)):
        return True
    return kind.endswith("*") and (kind == "*" or any(matches(one, (kind,)) for one in named))


def types_are_known(profile: Profile) -> Iterable[Misfit]:
    """A name that no event has judges nothing, or everything."""
    for place, kind in _named(profile):
        if not is_known(profile, kind):
            yield Misfit(place, "a type in events.types", repr(kind))


def assembled_is_whole(profile: Profile) -> Iterable[Misfit]:
    """What is whole has other events than its pieces, or is in a record that there is."""
    for number, row in enumerate(profile.field("events.assembles") or ()):
        place = f"/events/assembles/{number}"
        for kind in (*row["pieces"], *row.get("whole", ())):
            if not is_known(profile, kind):
                yield Misfit(place, "a type in events.types", repr(kind))
        if shared := [kind for kind in row.get("whole", ()) if matches(kind.removesuffix("*"), tuple(row["pieces"]))]:
            yield Misfit(f"{place}/whole", "events other than the pieces", repr(shared[0]))
        if "record" in row and "record" not in profile.operations:
            yield Misfit(f"{place}/record", "the operation record", "none")


def adopted_narrow_types(profile: Profile) -> Iterable[Misfit]:
    """What is adopted of a type comes on top of what its own schema says, which is another file."""
    for kind, file in profile.adopted_types.items():
        place = f"/events/adopted{step(kind)}"
        if kind not in profile.types:
            yield Misfit(place, "a type listed in events.types", repr(kind))
        elif file == profile.types[kind]:
            yield Misfit(place, "a schema other than the one in events.types", repr(file))


def outcomes_are_terminal(profile: Profile) -> Iterable[Misfit]:
    """How a run ends is told by a terminal event."""
    terminal = profile.terminal
    for outcome, kinds in terminal.outcomes.items() if terminal else ():
        for kind in kinds:
            if terminal and not matches(kind, terminal.events) and kind not in terminal.events:
                yield Misfit(f"/terminal/outcomes/{outcome}", f"some of {', '.join(terminal.events)}", repr(kind))


def silent_ends_have_no_event(profile: Profile) -> Iterable[Misfit]:
    """An end of which an event tells is not silent."""
    for outcome in profile.terminal.silent if profile.terminal else ():
        if profile.terminal and outcome in profile.terminal.outcomes:
            yield Misfit("/terminal/silent", "a way of ending that is not in terminal.outcomes", repr(outcome))


def catchup_fits(profile: Profile) -> Iterable[Misfit]:
    """Nobody can ask a push again, and an ambient stream has no beginning; only SSE has ids."""
    kind, possible = profile.field("catchup.kind"), _CATCHUPS.get(profile.streams)
    if kind is not None and possible and kind not in possible:
        yield Misfit("/catchup/kind", f"{' or '.join(possible)}, because streams are {profile.streams}", repr(kind))
    restart = profile.field("catchup.after_restart")
    if restart is not None and profile.streams == "ambient" and (kind, restart) != ("from-cursor", "survives"):
        wanted = "survives with catchup.kind from-cursor, or nothing, because streams are ambient"
        yield Misfit("/catchup/after_restart", wanted, f"{restart} with {kind}")
    if isinstance(profile.cursor, PseudoPointer) and profile.framing != "sse":
        yield Misfit("/catchup/cursor/pointer", "a JSON pointer, because NDJSON has no ids", repr(profile.cursor.value))


def cursors_get_something(profile: Profile) -> Iterable[Misfit]:
    """What a cursor gets that names no event is said whole, and nothing is said that none gets."""
    rule = profile.field("catchup.cursor") or {}
    rows = [rule.get("empty"), *((rule.get(key) or {}).get("gets") for key in ("malformed", "unknown"))]
    for key, answer in (("refused", "refused"), ("gap", "gap")):
        if key in rule and answer not in rows:
            wanted = f"nothing, because no cursor gets {answer}"
            yield Misfit(f"/catchup/cursor/{key}", wanted, "something")
        if key not in rule and answer in rows:
            wanted = "the statuses of a refusal" if key == "refused" else "how an answer states a gap"
            yield Misfit(f"/catchup/cursor/{key}", f"{wanted}, because a cursor gets {answer}", "nothing")
    if profile.streams == "ambient" and rule and profile.field("events.script") and rule.get("absent") != "now":
        wanted = "now, because the events of a script are compared with the whole stream"
        yield Misfit("/catchup/cursor/absent", wanted, repr(rule.get("absent")))


def numbers_are_told_apart(profile: Profile) -> Iterable[Misfit]:
    """Only SSE has ids; and an event has one number at one place."""
    for index, one in enumerate(profile.sequences):
        place = "/sequence" if len(profile.sequences) == 1 else f"/sequence/{index}"
        if isinstance(one.place, PseudoPointer) and profile.framing != "sse":
            yield Misfit(f"{place}/pointer", "a JSON pointer, because NDJSON has no ids", repr(one.where))
        for earlier in profile.sequences[:index]:
            shared = [kind for kind in one.events if matches(kind.removesuffix("*"), earlier.events)]
            if one.place == earlier.place and shared:
                yield Misfit(f"{place}/events", f"no types that another numbering has at {one.where}", repr(shared[0]))


def heartbeat_fits(profile: Profile) -> Iterable[Misfit]:
    """Each framing has its own ways to say nothing."""
    beat = profile.heartbeat
    if beat is None:
        return
    if beat.form not in _FORMS[profile.framing]:
        wanted = f"{', '.join(_FORMS[profile.framing])}, because the framing is {profile.framing}"
        yield Misfit("/heartbeat/form", wanted, repr(beat.form))
    for key in ("time_within_ms", "rising"):
        if profile.field(f"heartbeat.{key}") and beat.time is None:
            yield Misfit("/heartbeat/time", f"the place of the time that {key} bounds", "nothing")
    if profile.framing == "ndjson" and beat.has_form("blank") and profile.field("framing.blank_lines") != "allowed":
        yield Misfit("/heartbeat/form", "another one, or framing.blank_lines: allowed", repr(beat.form))


def read_once(profile: Profile) -> Iterable[Misfit]:
    """Where a run has one reader, nothing is said of others, nor of one who comes back."""
    if profile.field("readers.at_most") is None:
        return
    for path in OF_READERS:
        if profile.field(path) is not None:
            yield Misfit("/" + path.replace(".", "/"), "nothing, because readers.at_most is 1", "something")
    if profile.streams != "run" or profile.field("catchup.kind") not in (None, "none"):
        yield Misfit("/readers/at_most", "streams: run with catchup.kind none", f"{profile.streams}, with another kind")


def leaving_shows(profile: Profile) -> Iterable[Misfit]:
    """What becomes of a run that nobody reads is said once, and somebody can see it."""
    place, rule = "/readers/on_disconnect", profile.field("readers.on_disconnect")
    if rule is None or profile.streams != "run":
        return
    if profile.field("catchup.detached"):
        yield Misfit(place, "nothing, because catchup.detached says how long it continues", repr(rule))
    replays = profile.field("catchup.kind") in ("replay-all", "from-cursor")
    returns = rule == "continues" and replays and profile.field("terminal.outcomes.succeeds")
    if not (returns or profile.field("operations.record.state")):
        yield Misfit("/operations", "the operation record with its state, which shows whether a run is active", "none")


def endings_can_be(profile: Profile) -> Iterable[Misfit]:
    """Who comes back needs a cursor, only a stream can refuse by its events, and what ends a run is no pause."""
    terminal = profile.terminal
    for kind in terminal.pauses if terminal else ():
        if terminal and matches(kind, (*terminal.events, *terminal.last)):
            yield Misfit("/terminal/pauses", "events that are neither terminal nor last ones", repr(kind))
    if terminal and terminal.unless_resumable and profile.field("catchup.cursor.includes"):
        yield Misfit("/terminal/unless", "a cursor whose event is not sent again", "one that includes it")
    if terminal and terminal.unless_resumable and profile.cursor is None:
        yield Misfit("/terminal/unless", "catchup.cursor, with which a reader returns", "none")
    if profile.field("error.events") and not any(one.streams and one.kind for one in profile.operations.values()):
        yield Misfit("/error/events", "a start that streams", "none")


def bounds_say_something(profile: Profile) -> Iterable[Misfit]:
    """A bound that bears a whole interval more holds where every second heartbeat is left out."""
    for path, whole in (("heartbeat", "interval_ms"), ("catchup.detached", "life_ms")):
        row = profile.field(path)
        if row and row["tolerance_ms"] > row[whole]:
            place = f"/{path.replace('.', '/')}/tolerance_ms"
            yield Misfit(place, f"at most {whole}, {row[whole]}", str(row["tolerance_ms"]))


def stirred_by_operations(profile: Profile) -> Iterable[Misfit]:
    """They are requests of the profile."""
    for name in profile.field("heartbeat.stirred_by") or ():
        if name not in profile.operations:
            yield Misfit("/heartbeat/stirred_by", "operations of the profile", repr(name))


def runs_end(profile: Profile) -> Iterable[Misfit]:
    """Who reads a run to its end has to know it."""
    if profile.streams != "ambient" and profile.terminal is None:
        yield Misfit("/terminal", f"the end of a run, because streams are {profile.streams}", "nothing")
