"""What many readers share: the bytes of an event and pages of a finished run are made once, and are what they were."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from streamvet_server import log as logs
from streamvet_server.log import EventLog, Pages
from streamvet_server.seams import HONEST, Entry, Scene, Seams
from streamvet_server.store import Store
from streamvet_server.systems.ghostly import routes as ghostly
from streamvet_server.systems.promptfloe import routes as promptfloe

from .conftest import DEADLINE_S

READERS, EVENTS = 12, 30
GHOSTLY = [{"emit": {"type": "loop_state", "payload": {"n": number, "text": "\u2028é"}}} for number in range(EVENTS)]
PROMPTFLOE = [{"emit": {"type": "chunk", "delta": f"{number} \u0085"}} for number in range(EVENTS)]


def counted(monkeypatch: pytest.MonkeyPatch, room: Any, name: str) -> list[Any]:
    """What a function of a module is called with, from now on."""
    calls: list[Any] = []
    honest = getattr(room, name)

    def counting(*arguments: Any, **named: Any) -> Any:
        calls.append(arguments)
        return honest(*arguments, **named)

    monkeypatch.setattr(room, name, counting)
    return calls


async def read_by_all(served: Any, system: str) -> list[list[Any]]:
    """What each reader sees of a run, half of them once it is over."""
    if system == "ghostly":
        run = await served.run([{"wait_ms": 25_000}, *GHOSTLY])
        live = await asyncio.gather(*(served.seen(run) for _ in range(READERS)))
        return [*live, *await asyncio.gather(*(served.seen(run) for _ in range(READERS)))]
    headers = await served.scripted("promptfloe", [{"wait_ms": 25_000}, *PROMPTFLOE])
    async with served.build(headers) as (run, _):
        live = await asyncio.gather(*(served.resumed(run) for _ in range(READERS)))
    return [*live, *await asyncio.gather(*(served.resumed(run) for _ in range(READERS)))]


def read(serve: Any, system: str, **settings: Any) -> list[list[Any]]:
    async def main() -> list[list[Any]]:
        async with asyncio.timeout(DEADLINE_S), serve(**settings) as served:
            return await read_by_all(served, system)

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("system", "room", "name"), [("ghostly", ghostly, "_shown"), ("promptfloe", promptfloe, "_line")]
)
def test_an_event_is_encoded_once_and_not_once_a_reader(
    serve: Any, monkeypatch: pytest.MonkeyPatch, system: str, room: Any, name: str
) -> None:
    encoded = counted(monkeypatch, room, name)
    seen = read(serve, system)
    assert len(seen) == 2 * READERS
    # Once live, once from the log; who joins late on a busy machine has a page of its own.
    assert len(encoded) <= len(seen) * EVENTS / 4


@pytest.mark.parametrize("system", ["ghostly", "promptfloe"])
def test_who_shares_sees_what_one_sees_for_whom_all_is_made_anew(serve: Any, system: str) -> None:
    """A seam that changes nothing keeps a stream from sharing."""
    times = ("at", "runId", "durationMs")

    def without_times(streams: list[list[Any]]) -> list[list[Any]]:
        if system == "promptfloe":
            return [
                [{key: it for key, it in event.items() if key not in times} for event in one[:-1]] for one in streams
            ]
        told = [[block for block in one if block["event"] != "ping"] for one in streams]
        return [[(block["id"], block["data"].partition('"at"')[0]) for block in one] for one in told]

    shared = read(serve, system)
    anew = read(serve, system, seams=lambda _profile: Seams(document=lambda _shown, told: (told,)))
    assert without_times(shared) == without_times(anew)


def test_a_page_of_a_finished_run_is_read_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        store, work = Store(":memory:"), Scene("ghostly", "work", "run_1")
        log = EventLog(store, "ghostly", HONEST)
        row = await log.create("run_1", "manual", "a", {})
        await log.append(work, "run_1", [{"n": number} for number in range(EVENTS)], replace(row, status="pass"))
        pages = counted(monkeypatch, logs, "_page")
        readings = [log.read(Scene("ghostly", "attach", "run_1"), "run_1") for _ in range(READERS)]
        first = await asyncio.gather(*(one.next() for one in readings))
        assert len({id(one) for one in first}) == len(pages) == 1
        for one in readings:
            one.close()
        await store.close()

    asyncio.run(main())


def entries(count: int) -> list[Entry]:
    return [Entry(number, 0, {}) for number in range(1, count + 1)]


def test_pages_are_bounded() -> None:
    pages = Pages(100)
    for run in ("a", "b", "c"):
        pages.keep(run, 0, 64, entries(2), 40)
    assert [pages.get(run, 0, 64) is not None for run in ("a", "b", "c")] == [False, True, True]
    pages.get("b", 0, 64)  # c is the oldest now
    pages.keep("d", 0, 64, entries(1), 40)
    assert [pages.get(run, 0, 64) is not None for run in ("b", "c", "d")] == [True, False, True]
    pages.keep("large", 0, 64, entries(1), 101)
    assert pages.get("large", 0, 64) is None
    assert pages.get("b", 0, 8) is None
