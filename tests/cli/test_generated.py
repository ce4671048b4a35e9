"""What pinned tries have found is known to the explorer, once it is judged."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

from streamvet.cli.generated import MOST_BEHIND, Known


def judged(*names: str) -> Future[frozenset[str]]:
    future: Future[frozenset[str]] = Future()
    future.set_result(frozenset(names))
    return future


def test_nothing_is_known_before_anything_is_tried() -> None:
    assert asyncio.run(Known()()) == set()


def test_findings_of_all_traces_are_known_and_stay_known() -> None:
    known = Known()
    known.wait_for(judged("EVT-01"))
    known.wait_for(judged())

    async def asked() -> list[set[str]]:
        first = set(await known())
        known.wait_for(judged("ORD-05", "EVT-01"))
        return [first, set(await known()), set(await known())]

    assert asyncio.run(asked()) == [{"EVT-01"}, {"EVT-01", "ORD-05"}, {"EVT-01", "ORD-05"}]


def test_it_waits_for_what_is_not_judged_yet() -> None:
    known, late = Known(), Future[frozenset[str]]()
    known.wait_for(late)

    async def asked() -> set[str]:
        task = asyncio.ensure_future(known())
        await asyncio.sleep(0)
        assert not task.done()
        late.set_result(frozenset({"TRM-01"}))
        return set(await task)

    assert asyncio.run(asked()) == {"TRM-01"}


def test_who_explores_waits_where_too_much_is_unjudged() -> None:
    known = Known()
    unjudged = [Future[frozenset[str]]() for _ in range(MOST_BEHIND + 1)]
    for one in unjudged:
        known.comes(one)

    async def asked() -> None:
        task = asyncio.ensure_future(known.caught_up())
        await asyncio.sleep(0)
        assert not task.done()
        unjudged[0].set_result(frozenset({"TRM-01"}))
        await asyncio.wait_for(task, 10)
        await asyncio.wait_for(known.caught_up(), 10)
        assert set(await known()) == set()  # what generated tries have found says nothing of the pinned ones

    asyncio.run(asked())
