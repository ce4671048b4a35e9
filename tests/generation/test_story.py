"""Stories: what was emitted, who read it and how, and what came of it, as one sentence to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from streamvet.generation.batches import batch
from streamvet.generation.form import form_of
from streamvet.generation.programs import stimuli
from streamvet.generation.story import told
from streamvet.systems import SYSTEMS

from .made import PROFILES, SCALE, ground, some

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.probes.setting import Stimulus

RUN = {"name": "generated", "kind": "run", "outcome": "succeeds", "input": "succeeds", "script": []}
PUSH = RUN | {"kind": "session", "script": None}
AMBIENT: dict[str, Any] = {"name": "generated", "outcome": None, "script": [], "readers": []}
FLEET: dict[str, Any] = {"name": "generated", "outcome": None, "script": [], "projects": {"primary": ["a"]}}
MOMENT = {"at_ms": 0, "state": {"pipelines": [], "logs": []}}


def script(*emits: Mapping[str, Any], wait_ms: float = 20.0) -> dict[str, Any]:
    """A script with a wait before each event."""
    return {"script": [step for emit in emits for step in ({"wait_ms": wait_ms}, {"emit": dict(emit)})]}


def readers(*rows: Mapping[str, Any]) -> dict[str, Any]:
    """Readers, each with where it joins and its visits."""
    return {"readers": list(rows)}


def reader(*visits: Mapping[str, Any], **joins: float) -> dict[str, Any]:
    """One of them; without visits it reads from the start to the end."""
    return {**joins, "visits": list(visits) or [{"from": "start"}]}


class Story(NamedTuple):
    """A stimulus with what a finding of it says, and what is told of it at a scale of 0.05."""

    name: str
    stimulus: Stimulus
    seen: str
    text: str


FORMS = [form_of(system.generation) for system in SYSTEMS.values()]
CHUNK = {"type": "chunk", "delta": "a"}
STORIES = [
    Story("nothing is emitted", RUN, "no terminal event", "no events: no terminal event"),
    Story(
        "the one of the design",
        RUN | script(CHUNK) | readers(reader({"from": "start", "cut": {"after": 0}}, {"from": "start"}, join_ms=60)),
        "event 1 missing",
        '1 event {"type":"chunk","delta":"a"}, one reader joins 3 ms after the start, is cut after 0 events,'
        " comes back without a cursor: event 1 missing",
    ),
    Story(
        "the types of a few events",
        RUN | script(CHUNK, {"opcode": "info", "data": {}}, CHUNK),
        "2 of 3",
        "3 events (chunk, info, chunk): 2 of 3",
    ),
    Story(
        "a crash",
        RUN | script(CHUNK, CHUNK) | {"readers": [], "restart_ms": 500},
        "event 2 missing",
        "2 events (chunk, chunk), the server is killed 25 ms after the start and started again: event 2 missing",
    ),
    Story("somebody only reads", RUN | {"script": None, "readers": []}, "no end", "one reader: no end"),
    Story("many events are counted", RUN | script(*[CHUNK] * 6), "5 of them", "6 events: 5 of them"),
    Story(
        "a long event is cut, a value is quoted",
        RUN | script({"type": "chunk", "delta": "\u2028" + "x" * 60}),
        "'xxx'",
        '1 event {"type":"chunk","delta":"\u2028' + "x" * 34 + "…: seen 'xxx'",
    ),
    Story(
        "moments by what was seen",
        RUN
        | script(CHUNK, CHUNK)
        | {"cancel_after": 2, "cancel_ms": 30}
        | readers(reader(join_after=1, join_ms=0), reader(join_after=2, join_ms=10)),
        "two endings",
        "2 events (chunk, chunk), one reader joins when event 1 was seen, one reader joins 0.5 ms after event 2 was"
        " seen, the run is cancelled 1.5 ms after event 2 was seen: two endings",
    ),
    Story(
        "the same readers are counted",
        RUN | readers(*[reader(join_ms=40)] * 3, reader(join_ms=0), *[reader(join_ms=40)] * 11),
        "less",
        "no events, three readers, each joins 2 ms after the start, one reader joins 0 ms after the start,"
        " 11 readers, each joins 2 ms after the start: less",
    ),
    Story(
        "all ways to come back",
        RUN
        | readers(
            reader(
                {"from": "empty", "cut": {"after": 2, "inside": 1}},
                {"from": "last", "wait_ms": 100, "stall_ms": 200, "cut": {"after": 1, "inside": 17}},
                {"from": "earlier", "at": 3, "cut": {"after_ms": 60}},
                {"from": "first"},
                {"from": "last-event-id"},
                {"from": "unknown"},
                {"from": "malformed"},
                {"from": "future"},
                join_ms=0,
            )
        ),
        "an answer of 500",
        "no events, one reader joins 0 ms after the start, asks with an empty cursor, is cut after 2 events and 1 byte,"
        " waits 5 ms, comes back where it left, stalls for 10 ms, is cut after 1 event and 17 bytes,"
        " comes back at an earlier event, is cut after 3 ms, comes back behind the first event,"
        " comes back with Last-Event-ID, asks with an unknown cursor, asks with a malformed cursor,"
        " asks with the cursor behind the last event: an answer of 500",
    ),
    Story(
        "those who may not",
        RUN
        | readers(
            reader({"from": "start", "as": "missing"}),
            reader({"from": "start", "as": "other"}),
            reader({"from": "start", "as": "expired"}),
        ),
        "an answer of 200",
        "no events, one reader joins 0 ms after the start, asks without credentials, one reader joins 0 ms after the"
        " start, asks as another user, one reader joins 0 ms after the start, asks with expired credentials:"
        " an answer of 200",
    ),
    Story(
        "several runs that fail, with their records",
        RUN | script(CHUNK) | {"runs": 3, "outcome": "fails", "record": True, "again": True},
        "{}",
        '1 event {"type":"chunk","delta":"a"}, 3 runs at once, the run fails, its record is requested,'
        " it is read again: seen {}",
    ),
    Story(
        "a run of which nobody said what it does",
        RUN | {"script": None, "cancel_ms": 0} | readers(reader(join_ms=1000)),
        "more",
        "one reader joins 50 ms after the start, the run is cancelled 0 ms after the start: more",
    ),
    Story(
        "a push that is cut off",
        PUSH | {"cut": {"after": 3}},
        "nothing",
        "the reader is cut after 3 events: nothing",
    ),
    Story(
        "one push to a subject",
        PUSH | {"lanes": [[{"text": "a"}]]},
        "less",
        '1 push of a session, with "a": less',
    ),
    Story(
        "pushes to one subject",
        PUSH | {"lanes": [[{"text": "a\u2028"}, {"text": "x" * 300}, {"text": "", "writes": [["plan", "b"]]}]]},
        "less",
        '3 pushes of a session, with "a\\u2028", then 300 characters, then "" and the plan file "plan": less',
    ),
    Story(
        "pushes to two subjects",
        PUSH
        | {
            "kind": "plan",
            "lanes": [[{"text": "a"}, {"text": "b", "cut": {"after": 1, "inside": 2}}], [{"text": "a"}]],
        },
        "version 2",
        "3 pushes of a plan, each subject beside the others, one is cut after 1 event and 2 bytes: version 2",
    ),
    Story(
        "an ambient stream",
        AMBIENT
        | script({"opcode": "info", "data": {}})
        | readers(reader({"from": "start", "cut": {"after_ms": 20}}, {"from": "start", "wait_ms": 20}, join_ms=0)),
        '"a"',
        '1 event {"opcode":"info","data":{}}, one reader joins 0 ms after the start, is cut after 1 ms, waits 1 ms,'
        ' comes back without a cursor: seen "a"',
    ),
    Story("one state", FLEET | {"timeline": [MOMENT]}, "no snapshot", "1 state of the fleet: no snapshot"),
    Story(
        "some states",
        FLEET | {"timeline": [MOMENT, MOMENT | {"at_ms": 10}], "late_ms": 500.0},
        "(1, 2)",
        "2 states of the fleet: seen (1, 2)",
    ),
]


@pytest.mark.parametrize("story", STORIES, ids=[one.name for one in STORIES])
def test_to_the_letter(story: Story) -> None:
    form = next((one for one in FORMS if one and story.stimulus in one), None)
    assert told(story.stimulus, SCALE, story.seen, form) == story.text


@pytest.mark.parametrize("control", [True, False], ids=["with control", "without"])
@pytest.mark.parametrize("name", PROFILES)
def test_there_is_something_to_tell_of_whatever_is_generated(name: str, *, control: bool) -> None:
    for one in some(name) if control else batch(stimuli(ground(name, control=False)), 7, 0, 40):
        text = told(one, SCALE, "less", form_of(SYSTEMS[name].generation))
        assert len(text) > len(": less")
        assert text.endswith(": less")
