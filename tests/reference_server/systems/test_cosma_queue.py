"""cosma's queue and what its watcher passes on, without a server: above all what comes for a path that has an item."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from streamvet_server.systems.cosma.queue import Action, Failed, Item, Pauser, Queue, Surroundings
from streamvet_server.systems.cosma.watcher import Change, as_seen, is_hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamvet_server.seams import Update

INDEX, DELETE, MOVE = Action.INDEX, Action.DELETE, Action.MOVE
Told = list[tuple[str, str, str, str | None]]  # opcode, item, action and path, destination


class Bench:
    """A queue whose work is done when a test says so, and whose cooldown is the given number of seconds."""

    def __init__(self, cooldown_s: float = 3600) -> None:
        self.told: Told = []
        self.working: dict[str, asyncio.Future[None]] = {}
        self.waits = {"cooldown": cooldown_s, "tick": 0.001, "paused": 0.001}
        self.queue = Queue(Surroundings(self._tell, self._work, lambda name, _s: self.waits[name], lambda held: held))
        self._ids: dict[str, str] = {}

    def _tell(self, updates: Sequence[Update]) -> None:
        for update in updates:
            id_ = self._ids.setdefault(update.data["id"], f"#{len(self._ids) + 1}")
            what = f"{update.data['action']} {update.data['file_path']}"
            self.told.append((update.opcode.removeprefix("queue_item_"), id_, what, update.data["dest_path"]))

    async def _work(self, item: Item) -> None:
        self.working[item.path] = asyncio.get_running_loop().create_future()
        await self.working[item.path]

    async def busy(self, path: str) -> None:
        """Wait until a path is processed."""
        while path not in self.working:  # noqa: ASYNC110 -- no event tells it
            await asyncio.sleep(0.001)

    async def done(self, path: str, error: str | None = None) -> None:
        """End the processing of a path, and wait until the queue has seen that."""
        await self.busy(path)
        future, count = self.working.pop(path), len(self.told)
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(Failed(error))
        while len(self.told) == count:  # noqa: ASYNC110
            await asyncio.sleep(0)


def on_bench(test: Callable[[Bench], Any], **more: Any) -> Told:
    """What is told while a test uses a queue that runs."""
    told: Told = []

    async def main() -> None:
        bench = Bench(**more)
        running = asyncio.create_task(bench.queue.run())
        async with asyncio.timeout(10):
            await test(bench)
        running.cancel()
        await bench.queue.stop()
        told.extend(bench.told)

    asyncio.run(main())
    return told


# What comes for a path one after the other, and what is told of that. A deletion is ready at once, and so comes last.
Coming = tuple[tuple[str, Action, str | None], ...]
WAITING: list[tuple[Coming, Told]] = [
    (
        (("a", INDEX, None), ("a", INDEX, None)),
        [("added", "#1", "index a", None), ("updated", "#1", "index a", None)],
    ),
    (
        (("a", INDEX, None), ("a", MOVE, "b")),
        [("added", "#1", "index a", None), ("updated", "#1", "move a", "b")],
    ),
    (
        (("a", MOVE, "b"), ("b", INDEX, None)),
        [("added", "#1", "move a", "b"), ("updated", "#1", "move a", "b")],
    ),
    (
        (("a", MOVE, "b"), ("b", MOVE, "c")),
        [("added", "#1", "move a", "b"), ("updated", "#1", "move a", "c")],
    ),
    (
        (("a", MOVE, "b"), ("b", MOVE, "a")),
        [("added", "#1", "move a", "b"), ("updated", "#1", "index a", None)],
    ),
    (
        (("a", MOVE, "b"), ("a", INDEX, None)),
        [("added", "#1", "move a", "b"), ("updated", "#1", "index a", None), ("added", "#2", "index b", None)],
    ),
    (
        (("a", MOVE, "b"), ("b", MOVE, "c"), ("b", INDEX, None)),
        [("added", "#1", "move a", "b"), ("updated", "#1", "move a", "c"), ("added", "#2", "index b", None)],
    ),
    (
        (("a", MOVE, "b"), ("b", DELETE, None)),
        [("added", "#1", "move a", "b"), ("updated", "#1", "delete a", None)],
    ),
    (
        (("a", DELETE, None), ("a", INDEX, None)),
        [("added", "#1", "delete a", None), ("updated", "#1", "index a", None)],
    ),
]


@pytest.mark.parametrize(("coming", "told"), WAITING)
def test_what_comes_for_a_path_that_waits(coming: Coming, told: Told) -> None:
    async def test(bench: Bench) -> None:
        for path, action, dest in coming:
            bench.queue.enqueue(path, action, dest)

    assert on_bench(test) == told


def test_what_comes_for_a_path_that_is_processed_comes_after_it() -> None:
    async def test(bench: Bench) -> None:
        bench.queue.enqueue("a", INDEX)
        await bench.busy("a")
        bench.waits["cooldown"] = 3600
        bench.queue.enqueue("a", MOVE, "b")
        bench.queue.enqueue("b", INDEX)
        assert bench.queue.status()["total_items"] == 2
        await bench.done("a")

    assert on_bench(test, cooldown_s=0) == [
        ("added", "#1", "index a", None),
        ("processing", "#1", "index a", None),
        ("added", "#2", "index b", None),
        ("completed", "#1", "index a", None),
        ("added", "#3", "move a", "b"),
    ]


def test_what_comes_for_a_path_that_fails_goes_into_its_item() -> None:
    async def test(bench: Bench) -> None:
        bench.queue.enqueue("a", INDEX)
        await bench.busy("a")
        bench.waits["cooldown"] = 3600
        bench.queue.enqueue("a", INDEX)
        await bench.done("a", "no")
        assert bench.queue.documents()[0]["retry_count"] == 1

    assert [opcode for opcode, *_ in on_bench(test, cooldown_s=0)] == ["added", "processing", "updated", "updated"]


def test_an_item_that_is_removed_while_it_is_processed_is_not_told_of_again() -> None:
    async def test(bench: Bench) -> None:
        bench.queue.enqueue("a", INDEX)
        await bench.busy("a")
        assert bench.queue.remove(bench.queue.documents()[0]["id"]) is not None
        bench.queue.enqueue("b", INDEX)
        bench.working.pop("a").set_result(None)
        await bench.done("b")

    told = on_bench(test, cooldown_s=0)
    assert [opcode for opcode, _, what, _ in told if what == "index a"] == ["added", "processing"]
    assert told[-1] == ("completed", "#2", "index b", None)


def test_as_many_are_processed_at_once_as_is_set() -> None:
    async def test(bench: Bench) -> None:
        for path in "abcd":
            bench.queue.enqueue(path, INDEX)
        await bench.busy("b")
        assert list(bench.working) == ["a", "b"]
        bench.queue.pause(Pauser.SCHEDULER, on=True)
        await bench.done("a")
        assert bench.queue.status()["processing"] == 1
        bench.queue.pause(Pauser.SCHEDULER, on=False)
        await bench.busy("c")
        assert list(bench.working) == ["b", "c"]

    on_bench(test, cooldown_s=0)


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (Change("created", "/r/a"), Change("created", "/r/a")),
        (Change("created", "/r/.a"), None),
        (Change("modified", "/r/d/.e/a"), None),
        (Change("deleted", "/r", directory=True), Change("deleted", "/r", directory=True)),
        (Change("moved", "/r/a", "/r/b"), Change("moved", "/r/a", "/r/b")),
        (Change("moved", "/r/.a", "/r/.b"), None),
        (Change("moved", "/r/.a", "/r/b"), Change("created", "/r/b")),
        (Change("moved", "/r/a", "/r/b~"), Change("deleted", "/r/a")),
        (Change("moved", "/r/.a", "/r/b", directory=True), None),
        (Change("moved", "/r/a", "/r/.b", directory=True), Change("deleted", "/r/a", directory=True)),
    ],
)
def test_changes_of_what_is_hidden(change: Change, seen: Change | None) -> None:
    assert as_seen("/r", change) == seen


def test_a_hidden_directory_may_be_watched() -> None:
    assert not is_hidden("/home/.r", "/home/.r/a")
    assert not is_hidden("/home/.r", "/home/.r")
