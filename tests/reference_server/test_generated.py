"""What generated scripts say is what readers read: the honest server against the model, which is the script itself.

The strategies are those of the suite, and so is the decoder; what the system adds to a script is said here.
"""

from __future__ import annotations

import asyncio
import json
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.contract.loading import load_profile
from streamvet.framing import json_text
from streamvet.framing.frame import Frame, Kind
from streamvet.framing.ndjson import NdjsonDecoder
from streamvet.framing.sse import SseDecoder
from streamvet.generation.batches import batch
from streamvet.generation.ground import Ground, Start
from streamvet.generation.lawful import emits
from streamvet.generation.programs import stimuli
from streamvet.generation.shapes import completed, kind_of
from streamvet.systems import SYSTEMS
from streamvet_server.catalogue import find, seams_of
from streamvet_server.listing import accounts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import httpx

    from streamvet.probes.setting import Stimulus

SEED = 11
SCRIPTS = 40
AT_ONCE = 8
SCALE = 0.02  # as `serve` has it
DONE = {"step": "done", "version": 1, "changed": True}


@cache
def scripts(name: str) -> tuple[Stimulus, ...]:
    """Stimuli with a script: their readers are none of the server's business here."""
    profile = load_profile(name)
    ground = Ground(
        profile=str(profile.folder), scale=SCALE, scripted=profile.streams != "ambient", published=name == "cosma",
        states=(), starts=tuple(Start(one.kind, ("succeeds", "fails")) for one in profile.starts), cancels=False,
        restarts=False, records=False, strangers=(), connections=1, words=SYSTEMS[name].words,
    )  # fmt: skip
    made = (one for number in range(10) for one in batch(stimuli(ground), SEED, number, 20))
    found = [one for one in made if one["script"] is not None]
    assert len(found) >= SCRIPTS
    return tuple(found[:SCRIPTS])


def text(value: Any) -> str:
    """Equal for values that are the same to the last digit and to the last letter."""
    return json.dumps(value, sort_keys=True)


def value_of(frame: Frame) -> Any:
    """The document of a frame in which nothing is wrong."""
    reading = json_text.read(frame.data)
    assert (frame.violations, reading.problems) == ((), ())
    return reading.value


async def frames(answer: httpx.Response, decoder: SseDecoder | NdjsonDecoder) -> list[Frame]:
    """What a plain reader decodes up to the end of a stream."""
    assert answer.status_code == 200, await answer.aread()
    found = [frame async for octets in answer.aiter_raw() for frame in decoder.feed(octets)]
    return found + decoder.close()


def added(document: Mapping[str, Any], emit: Mapping[str, Any]) -> dict[str, Any]:
    """What the server has added to what was emitted, of which nothing may be missing or changed."""
    assert text({key: document.get(key) for key in emit}) == text(emit)
    return {key: one for key, one in document.items() if key not in emit}


def each(check: Callable[[Any, Stimulus], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    """Check each script of the profile for which this is, some at once."""

    async def all_of(served: Any) -> None:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(stimulus: Stimulus) -> None:
            async with places:
                await check(served, stimulus)

        async with asyncio.TaskGroup() as group:
            for stimulus in scripts(check.__name__):
                group.create_task(one(stimulus))

    return all_of


async def headers_of(served: Any, name: str, stimulus: Stimulus) -> Any:
    return await served.scripted(name, stimulus["script"], stimulus["outcome"])


# ------------------------------------------------------------------------------------------------ ghostly


async def ghostly_told(served: Any, run: str) -> tuple[list[str], list[Any]]:
    """The events of a run in short, and the documents of its history."""
    path = f"/ghostly/v1/runs/{run}/events/stream?token={await served.token()}"
    async with served.http.stream("GET", path) as answer:
        found = [frame for frame in await frames(answer, SseDecoder()) if frame.event != "ping"]
    assert {frame.kind for frame in found} == {Kind.EVENT}
    short, history = [], []
    for number, frame in enumerate(found, start=1):
        document = value_of(frame)
        assert (frame.event, frame.id, frame.data_lines) == (document["kind"], str(number), 1)
        short.append(document.get("status", frame.event))
        history += [document] if frame.event == "assist" else []
    return [name for name, _ in groupby(short)], history


async def ghostly(served: Any, stimulus: Stimulus) -> None:
    """A reader from the beginning, who may be late for a short run, and one behind its end."""
    script, passed = emits(stimulus), stimulus["outcome"] == "succeeds"
    run = await served.run(stimulus["script"], stimulus["outcome"])
    settled = "pass" if passed else "fail"
    forms = (["running", "assist", settled, "end"], [settled, "assist", "end"])
    first, history = await ghostly_told(served, run)
    assert first in forms
    assert await ghostly_told(served, run) == (forms[1], history)
    *told, last = history
    assert [one["seq"] for one in history] == list(range(1, len(script) + 2))
    assert {text(sorted(added(*pair))) for pair in zip(told, script, strict=True)} <= {text(["at", "kind", "seq"])}
    assert (last["type"], last["payload"]["ok"]) == ("run_end", passed)
    record = await served.record(run)
    assert record["status"] == settled
    assert text([{"kind": "assist", **event} for event in record["events"]]) == text(history)


# ------------------------------------------------------------------------------------------------ promptfloe


async def promptfloe(served: Any, stimulus: Stimulus) -> None:
    """The reader of the start, and readers behind each of some events."""
    operation = load_profile("promptfloe").operations[f"start:{stimulus['kind']}"]
    sent, script = accounts()["promptfloe"]["inputs"][stimulus["kind"]]["succeeds"], emits(stimulus)
    headers = await headers_of(served, "promptfloe", stimulus)
    async with served.http.stream("POST", f"/promptfloe{operation.path}", json=sent, headers=headers) as answer:
        found, run = await frames(answer, NdjsonDecoder()), answer.headers["x-run-id"]
    assert {frame.kind for frame in found} == {Kind.LINE}
    *told, last = events = list(map(value_of, found))
    own = [added(*pair) for pair in zip(told, script, strict=True)]
    assert own == [{"id": number, "runId": run} for number in range(1, len(script) + 1)]
    good = {"build": "ready", "message": "ready"}.get(stimulus["kind"], "done")
    assert last["type"] == (good if stimulus["outcome"] == "succeeds" else "error")
    assert (last["id"], last["runId"]) == (len(events), run)
    for cursor in {0, 1, len(events) // 2, len(script), len(events)}:
        assert text(await served.resumed(run, cursor)) == text(events[cursor:])


# ------------------------------------------------------------------------------------------------ rockstar


async def rockstar(served: Any, stimulus: Stimulus) -> None:
    """The only reader of a push."""
    operation, script = load_profile("rockstar").operations[f"start:{stimulus['kind']}"], emits(stimulus)
    headers, number = await headers_of(served, "rockstar", stimulus), scripts("rockstar").index(stimulus)
    fresh = {"session_id": f"s-{number}"} if stimulus["kind"] == "session" else {"name": f"plan-{number}.md"}
    sent = {**operation.body, **fresh}
    async with served.http.stream("POST", f"/rockstar{operation.path}", json=sent, headers=headers) as answer:
        found = await frames(answer, NdjsonDecoder())
    assert {frame.kind for frame in found} == {Kind.LINE}
    *told, last = map(value_of, found)
    assert text(told) == text(script)
    if stimulus["outcome"] == "fails":
        assert last.keys() == {"step", "error"}
    else:
        assert {key: last[key] for key in DONE} == DONE


# ------------------------------------------------------------------------------------------------ cosma


async def cosma(served: Any) -> None:
    """Two readers of everything that is published, one script after the other."""
    published = [list(emits(one)) for one in scripts("cosma")]
    everything = [text(emit) for script in published for emit in script]

    async def read(came: asyncio.Event) -> list[str]:
        decoder, found = SseDecoder(), list[str]()
        async with served.http.stream("GET", "/cosma/api/updates", headers={"Accept": "text/event-stream"}) as answer:
            assert answer.status_code == 200
            came.set()
            async for octets in answer.aiter_raw():
                told = [frame for frame in decoder.feed(octets) if frame.kind is not Kind.COMMENT]
                assert {(frame.kind, frame.event) for frame in told} <= {(Kind.EVENT, "update")}
                found += [text(value_of(frame)) for frame in told]
                if len(found) >= len(everything):
                    break
        return found

    came = [asyncio.Event(), asyncio.Event()]
    readers = [asyncio.create_task(read(one)) for one in came]
    for one in came:
        await one.wait()
    for script in published:
        answer = await served.control("cosma", do="publish", events=script)
        assert answer.status_code == 202, answer.text
    assert await asyncio.gather(*readers) == [everything, everything]


# ------------------------------------------------------------------------------------------------ all of them


CHECKS = {"ghostly": each(ghostly), "promptfloe": each(promptfloe), "rockstar": each(rockstar), "cosma": cosma}


def run(serve: Any, name: str, **settings: Any) -> None:
    async def main() -> None:
        async with serve(**settings) as served:
            await CHECKS[name](served)

    asyncio.run(main())


@pytest.mark.parametrize("name", CHECKS)
def test_a_script_is_read_as_it_was_put(serve: Any, name: str) -> None:
    run(serve, name)


@pytest.mark.parametrize("name", CHECKS)
def test_what_only_rare_texts_show_is_seen_here_too(serve: Any, name: str) -> None:
    fault = find("separators-trimmed")
    with pytest.raises((AssertionError, ExceptionGroup)) as seen:
        run(serve, name, seams=lambda one: seams_of(fault, one))
    if isinstance(seen.value, ExceptionGroup):
        assert seen.value.split(AssertionError)[1] is None


@pytest.mark.parametrize("name", CHECKS)
def test_the_scripts_have_something_to_say(name: str) -> None:
    profile = load_profile(name)
    said = [emit for one in scripts(name) for emit in emits(one)]
    kinds = [kind_of(profile, emit) or "" for emit in said]
    assert len(set(kinds)) > len(profile.types) / 3
    for kind, emit in zip(kinds, said, strict=True):
        assert profile.schemas.decider(profile.types[kind])(completed(profile, kind, emit))
    assert any("\\u2028" in text(emit) for emit in said)
