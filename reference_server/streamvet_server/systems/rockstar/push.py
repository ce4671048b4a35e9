"""One push as a stream: its lines as the work goes on, the one moment in which it is kept, its end.

It must not know routes, request bodies or SQLite. Until that moment a push can be given up without a trace: when its
client leaves, when the server stops, when it is told to fail.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from streamvet_server.seams import Batch, Cause, Refusal, Why
from streamvet_server.store import Unkept
from streamvet_server.stream import Ended, Stream
from streamvet_server.systems.rockstar.work import PLAN, SESSION, Push, linking_work
from streamvet_server.wire import ndjson_line
from streamvet_server.work import Outcome, Plan, batches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp import web

    from streamvet_server.site import Ask
    from streamvet_server.systems.rockstar.versions import Item, Placed, Versions

STREAM_HEADERS = {
    "Content-Type": "application/x-ndjson",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}
_PAGES = {SESSION: "s", PLAN: "p"}
_LOGGER = logging.getLogger(__name__)
_UNSTORED = Refusal(500, "internal_error", "the push could not be stored")


class _Failed(Exception):  # noqa: N818 -- an outcome, not an error of the server
    """The push has failed in a way that its client is told."""


def url_of(ask: Ask, item: Item) -> str:
    """The full URL of an item, by the address under which the request reached the server."""
    return f"{ask.request.scheme}://{ask.request.host}{ask.site.prefix}/{_PAGES[item.kind]}/{item.id}"


async def stream_push(ask: Ask, versions: Versions, push: Push, plan: Plan, *, scripted: bool) -> web.StreamResponse:
    """Perform a push and stream its lines. A script tells of the progress by itself, the linking included."""
    stream = Stream(ask.site, ask.scene, ask.request, lambda _name, document: ndjson_line(document))
    pushing = _Pushing(ask, versions, push, stream)
    try:
        await stream.open(STREAM_HEADERS)
        await stream.close(await _over(ask, versions.begin(pushing.perform(plan, linking=not scripted))))
    except (ConnectionError, Ended):
        pass  # the client has left, or a seam has ended it
    finally:
        cause = ask.site.seams.left(ask.scene)
        if cause is not None and not pushing.kept:
            pushing.keep(cause)
    return stream.response


async def _over(ask: Ask, performing: asyncio.Task[None]) -> Why:
    """Wait until the push is over, and say why it is."""
    stopping = asyncio.create_task(ask.site.stopping.wait())
    try:
        await asyncio.wait({performing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        performing.cancel()  # nothing, where it is done
        await asyncio.wait({performing})
    finally:
        performing.cancel()  # the client has left
        stopping.cancel()
    if performing.cancelled():
        return Why.STOP
    performing.result()
    return Why.LAST


@dataclass(slots=True)
class _Pushing:
    """A push under way: how many lines it has told, and whether it was given to be kept."""

    ask: Ask
    versions: Versions
    push: Push
    stream: Stream
    told: int = 0
    kept: bool = False

    async def perform(self, plan: Plan, *, linking: bool) -> None:
        """From the first line to the last."""
        try:
            placed = await self._work(plan, linking=linking)
        except (ConnectionError, Ended):
            raise
        except _Failed as reason:
            await self._tell(Cause.FAILED, [{"step": "error", "error": str(reason)}], "failed")
        except Exception:  # the push is broken, not the server: its client must see it end
            _LOGGER.exception("a push broke")
            await self._tell(Cause.BROKE, [{"step": "error", "error": "internal error"}], "failed")
        else:
            await self._tell(Cause.SUCCEEDED, [self._done(placed)], "succeeded")

    async def _work(self, plan: Plan, *, linking: bool) -> Placed:
        await self._walk(plan)
        if plan.outcome is Outcome.FAILS:
            raise _Failed("the push failed")
        if plan.outcome is Outcome.HANGS:
            await asyncio.get_running_loop().create_future()  # until the client leaves or the server stops
        desk = self.ask.site.desk
        failing = _UNSTORED if desk is not None and desk.take_failure("store") else None
        refusal = self.ask.site.seams.access(self.ask.scene, "store", failing)
        if refusal is not None:
            raise _Failed(refusal.text)
        try:
            placed = await self.keep(Cause.WORK)
        except Unkept as reason:
            _LOGGER.error("a push could not be stored: %s", reason)  # noqa: TRY400 -- one line is enough
            raise _Failed(_UNSTORED.text) from reason
        if linking and placed.plans:
            await self._walk(Plan(linking_work(len(placed.plans)), Outcome.SUCCEEDS))
        return placed

    def keep(self, cause: Cause) -> asyncio.Future[Placed]:
        """Keep the push as a whole. From here on it happens, whoever leaves."""
        self.kept = True
        held = {"content": self.push.content, "writes": self.push.writes}
        batch = self.ask.site.seams.append(self.ask.scene, Batch(cause, (), facts=held))
        push = replace(self.push, content=batch.facts["content"], writes=batch.facts["writes"])
        return self.versions.put(push)

    async def _walk(self, plan: Plan) -> None:
        async for documents in batches(plan, self._wait_s):
            await self._tell(Cause.WORK, documents)

    def _wait_s(self, ms: float) -> float:
        return self.ask.site.seams.clock(self.ask.scene, "step", ms / 1000 * self.ask.site.scale)

    async def _tell(self, cause: Cause, documents: Sequence[Mapping[str, Any]], status: str | None = None) -> None:
        batch = self.ask.site.seams.append(self.ask.scene, Batch(cause, documents, status))
        for left, document in zip(reversed(range(len(batch.documents))), batch.documents, strict=True):
            self.told += 1
            last = batch.status is not None and left == 0
            await self.stream.show(document["step"], document, number=self.told, last=last)

    def _done(self, placed: Placed) -> Mapping[str, Any]:
        done: dict[str, Any] = {"step": "done", **self._address(placed), "changed": placed.changed}
        if placed.project is not None:
            done |= {"project_nanoid": placed.project.id, "project_label": placed.project.name}
        if placed.plans:
            done["plans"] = [
                {"name": plan.item.name, **self._address(plan), "created": plan.created} for plan in placed.plans
            ]
        return done

    def _address(self, placed: Placed) -> Mapping[str, Any]:
        item = placed.item
        return {"nanoid": item.id, "url": url_of(self.ask, item), "version": placed.version}
