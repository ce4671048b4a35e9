"""The rows of the faults: each requirement has one in each system to which it applies, and each row can be served.

Whether a fault violates what it names, and nothing else, is what `streamvet prove` shows.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet_server.catalogue import FAULTS, find, listing, seams_of
from streamvet_server.faults import occasions, replicas
from streamvet_server.seams import HONEST, Seams
from streamvet_server.systems import SYSTEMS
from streamvet_server.systems.cosma.faults import again, index
from streamvet_server.systems.rockstar import faults as rockstar

if TYPE_CHECKING:
    from streamvet_server.faults import Fault

KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# Their faults stand at one and a half of a bound, so each has an honest twin just inside it.
TIMED = frozenset(
    {
        *("HBT-01", "HBT-02", "HBT-07", "TRM-10", "TRM-11", "TRM-12", "CAT-19", "CAT-11", "CAT-12", "TRN-14", "TRN-15"),
        *("TRN-07", "GHO-01", "FLT-04", "COS-01", "COS-20", "COS-25"),
    }
)
LEGAL = "-but-legal"
OCCASIONS = (*rockstar.OCCASIONS, *index.OCCASIONS, *again.OCCASIONS)
# A second way to violate the same: bytes behind the end of a message, beside one that has no end; what is never told,
# beside what is late; an event that goes out with the next write, beside a buffer of some; credentials that nearly fit.
OTHER_KINDS = {
    *("keepalive-behind-the-end", "new-run-untold", "one-event-late", "update-late", "prefix-accepted"),
    "seventeenth-reader-queued",
    *(fault.name for fault in (*occasions.FAULTS, *replicas.FAULTS)),
    *OCCASIONS,
}
# Without either field that TRN-09 takes, a stream lacks the one that the profile requires, which violates TRN-17.
WITHOUT_FAULT = {"agent-workspace": ("TRN-09",)}
SERVED = sorted(SYSTEMS)
AT_LEAST_HIDDEN = 8
ROWS = [(fault, profile) for fault in FAULTS for profile in fault.profiles]
ROW_NAMES = [f"{fault.name} {profile}" for fault, profile in ROWS]


@pytest.mark.parametrize("profile", SERVED)
def test_each_requirement_has_one_fault(profile: str) -> None:
    wanted = Counter(row.id for row in load_registry().testable(load_profile(profile)))
    shown = [fault for fault in FAULTS if profile in fault.profiles and not (fault.generated or fault.fixture)]
    shown = [fault for fault in shown if fault.name not in OTHER_KINDS]
    assert Counter(fault.id for fault in shown if not fault.honest) == wanted - Counter(WITHOUT_FAULT.get(profile, ()))


def test_a_fixture_violates_what_no_built_in_profile_asks_for() -> None:
    fixtures = {fault.id: fault for fault in FAULTS if fault.fixture}
    asked = {row.id for name in builtin_profiles() for row in load_registry().testable(load_profile(name))}
    assert fixtures.keys() == {row.id for row in load_registry().testable()} - asked


@pytest.mark.parametrize("framing", ["sse", "ndjson"])
def test_each_framing_has_faults_that_only_generated_stimuli_show(framing: str) -> None:
    profiles = {name for name in SERVED if load_profile(name).framing == framing}
    hidden = [fault for fault in FAULTS if fault.generated and profiles.intersection(fault.profiles)]
    assert len(hidden) >= AT_LEAST_HIDDEN
    for profile in profiles:
        known = {row.id for row in load_registry().testable(load_profile(profile))}
        assert {fault.id for fault in hidden if profile in fault.profiles} <= known


def test_names() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    assert [name for name in names if not KEBAB.fullmatch(name)] == []


def test_notes_are_one_sentence() -> None:
    assert [fault.name for fault in FAULTS if not re.fullmatch(r"[A-Za-z0-9][^\n]*\.", fault.note)] == []


def test_profiles_are_served() -> None:
    assert {profile for fault in FAULTS for profile in fault.profiles} == set(SERVED)
    assert set(SERVED) <= set(builtin_profiles())


def test_each_timed_fault_has_an_honest_twin() -> None:
    timed = {fault.name: fault for fault in FAULTS if fault.id in TIMED and not fault.generated}
    timed = {name: fault for name, fault in timed.items() if name not in OTHER_KINDS}
    assert {fault.id for fault in timed.values()} == TIMED
    twins = {fault.name.removesuffix(LEGAL): fault for fault in FAULTS if fault.honest}
    assert twins.keys() == timed.keys()
    for name, twin in twins.items():
        assert twin.name.endswith(LEGAL)
        assert twin.profiles == timed[name].profiles


def test_the_listing_has_every_row() -> None:
    keys = {"name", "id", "profiles", "note", "honest", "generated", "fixture", "seams", "standing", "rare"}
    assert [row["name"] for row in listing()] == [fault.name for fault in FAULTS]
    assert all(set(row) == keys and row["honest"] is (row["id"] is None) for row in listing())


@pytest.mark.parametrize(("fault", "profile"), ROWS, ids=ROW_NAMES)
def test_a_fault_makes_seams_of_its_own(fault: Fault, profile: str) -> None:
    seams = seams_of(fault, profile)
    assert isinstance(seams, Seams)
    assert seams != HONEST
    assert find(fault.name) is fault
    assert seams_of(fault, "another system") is HONEST


GOTO = {"action": "goto", "url": "http://127.0.0.1:9/"}
RUN: dict[str, Any] = {"baseUrl": "http://127.0.0.1:9", "project": "demo", "steps": [GOTO]}
LINE = {"emit": {"step": "redacting", "detail": "x"}}
STEPS: dict[str, list[Any]] = {
    "ghostly": [{"wait_ms": 500}, *[{"emit": {"type": "recon", "payload": {"n": n}}} for n in range(3)]],
    "promptfloe": [{"wait_ms": 500}, *[{"emit": {"type": "file", "path": f"{n}", "contents": "x"}} for n in range(3)]],
    "rockstar": [{"wait_ms": 500}, LINE, LINE, {"emit": {"step": "linking_plans", "detail": "x"}}],
}


async def _a_run(served: Any) -> None:
    headers = await served.scripted("ghostly", STEPS["ghostly"])
    answer = await served.http.post("/ghostly/v1/run", json=RUN, headers=headers)
    assert answer.status_code == 202
    run = answer.json()["id"]
    answer = await served.http.get(f"/ghostly/v1/runs/{run}/events/stream?token={await served.token()}")
    assert answer.status_code in (200, 203)


async def _a_build(served: Any) -> None:
    headers = await served.scripted("promptfloe", STEPS["promptfloe"])
    answer = await served.http.post("/promptfloe/v1/apps/generate", json={"prompt": "a page"}, headers=headers)
    assert answer.status_code == 200


async def _pushes(served: Any) -> None:
    """A scripted session, one that does its own work, and a plan."""
    bodies = {"sessions": {"session_id": "s", "data": "x\n"}, "plans": {"name": "a.md", "content": "x"}}
    own = await served.bearer("rockstar")
    for kind, headers in (
        *(("sessions", await served.scripted("rockstar", STEPS["rockstar"])), ("sessions", own), ("plans", own)),
    ):
        answer = await served.http.post(f"/rockstar/api/v1/{kind}", json=bodies[kind], headers=headers)
        assert answer.status_code in (200, 203)
        assert b"internal error" not in answer.content


PIPELINE: dict[str, Any] = {
    "id": "run",
    "projectId": "storefront",
    "projectName": "Shop",
    "status": "testing",
    "startedAt": None,
    "trigger": "push",
    "triggerData": None,
    "jobs": [],
    "pendingInterventions": [],
}
LOG_LINE: dict[str, Any] = {
    "id": "old",
    "pipelineRunId": "run",
    "jobId": None,
    "agentType": None,
    "level": "info",
    "message": "x",
    "metadata": None,
    "createdAt": "2026-01-01T00:00:00Z",
}


async def _pipelines(served: Any) -> None:
    """A stream that cannot be loaded, and one with first lines, an update and a new line."""
    path = "/agent-workspace/api/agent-workspace/stream"
    headers = {**await served.session(), "Accept-Encoding": "identity"}
    logs = [LOG_LINE, {**LOG_LINE, "id": "new", "createdAt": "2026-01-01T00:00:01Z"}]
    states = ({"pipelines": [PIPELINE], "logs": logs[:1]}, {"pipelines": [{**PIPELINE, "status": "queued"}]})
    await served.control("agent-workspace", do="fail", what="load")
    for state in (*states, {"logs": logs}):
        await served.control("agent-workspace", do="state", state=state)
        async with served.http.stream("GET", path, headers=headers) as answer:
            assert answer.status_code in (200, 203)
            seen = b""
            async for octets in answer.aiter_raw():
                if not seen:
                    await served.control("agent-workspace", do="state", state={"logs": logs})
                seen += octets
                if any(last in seen for last in (b'"new"', b"event: heartbeat", b"event: error")):
                    break  # a fault may leave the stream open
            assert seen


async def _an_index(served: Any) -> None:
    """A stream while the queue is paused twice and updates are published, after a reset, as a suite begins with one."""
    await served.control("cosma", do="reset")
    headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
    opcodes = ("info", "info", "info", "watch_added", "error")
    updates = [{"opcode": opcode, "data": {"path": "/é\n", "message": "é\0"}} for opcode in opcodes]
    async with served.http.stream("GET", "/cosma/api/updates", headers=headers) as answer:
        assert answer.status_code in (200, 203)
        assert (await served.control("cosma", do="publish", events=updates)).status_code == 202
        for _ in range(2):
            assert (await served.http.post("/cosma/api/queue/pause")).status_code == 200
        seen = b""
        async for octets in answer.aiter_raw():
            seen += octets
            if b'"message"' in seen:
                break


USES = {
    "ghostly": _a_run,
    "promptfloe": _a_build,
    "rockstar": _pushes,
    "agent-workspace": _pipelines,
    "cosma": _an_index,
}


STUCK = ("stuck-in-its-work", "rockstar")  # its pushes do their own work here, and that is what never ends


@pytest.mark.parametrize(("fault", "profile"), ROWS, ids=ROW_NAMES)
def test_a_fault_can_be_served(serve: Any, fault: Fault, profile: str) -> None:
    """A run ends under each of them: a fault misbehaves, it does not break the server."""

    async def main() -> None:
        async with serve(seams=lambda one: seams_of(fault, one)) as served:
            await USES[profile](served)

    with pytest.raises(TimeoutError) if (fault.name, profile) == STUCK else nullcontext():
        asyncio.run(main())
