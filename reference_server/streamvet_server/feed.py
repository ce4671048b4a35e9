"""The shared log of several processes: one Redis Stream, which all of them append to and read in the same order.

It must not know runs, readers or systems: it carries messages, each of a topic. What a process appends it takes up when
it comes back, in its place among what the others have appended; so all of them take up the same messages in the same
order, and none acts on what is not in the log. A process that starts reads the log from its beginning.

What is promised rests on Redis. With `appendonly yes` a message that came back survives the death of the Redis process;
with `appendfsync always` a power cut as well, with `everysec` all but the last second before it. With
`appendonly no` nothing survives. `maxmemory-policy` has to be `noeviction`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as Unconnected
from redis.exceptions import RedisError

from streamvet_server.database import Unusable
from streamvet_server.store import Unkept
from streamvet_server.wire import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOGGER = logging.getLogger(__name__)

_OWN = ""  # the topic of the log itself
_FIELD = "message"  # of an entry of the stream
_PAGE = 500  # entries read at once: with the largest documents (64 KiB strings) some 30 MiB
_BLOCK_MS = 1_000  # how long a read waits for something new; a bound on how late a lost connection shows
_ANSWER_S = 5.0  # for Redis to answer, more than it takes to load its file on a small log
_AGAIN_S = (0.05, 0.1, 0.25, 0.5)  # between two looks at whether Redis is back; the last one over and over


@dataclass(frozen=True, slots=True)
class Message:
    """One message: of which topic, from which process, and what it says."""

    topic: str
    by: str
    body: Mapping[str, Any]


# Takes up a message; gives what to wait for before the message counts as taken up, and None where it is at once. The
# future's exception goes to who has appended it.
Take = Callable[[Message], "asyncio.Future[Any] | None"]


@dataclass(slots=True)
class _Sent:
    number: int
    text: str
    back: asyncio.Future[None]


class Feed:
    """The shared log as the process with this slot sees it. To be opened, used and closed on one event loop."""

    def __init__(self, url: str, slot: int = 0, workers: int = 1) -> None:
        self.slot, self.workers = slot, workers
        self.me = f"{slot}/{secrets.token_hex(6)}"  # another one each time that the process starts
        self._key = "streamvet:log"
        self._redis = Redis.from_url(
            url, decode_responses=True, socket_timeout=_ANSWER_S, socket_connect_timeout=_ANSWER_S
        )
        self._takes: dict[str, Take] = {}
        self._up: dict[int, str] = {}  # by slot: the process that is there now
        self._newest: dict[str, int] = {}  # of each process: the number of its last message
        self._place = "0-0"  # of the last message that was taken up
        self._moved = asyncio.Condition()
        self._sent: list[_Sent] = []  # not back yet, in order
        self._unsent: list[_Sent] = []
        self._count = 0
        self._sending: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._broken = False
        self.on_change: list[Callable[[], None]] = []  # told that a process has been replaced

    def follow(self, topic: str, take: Take) -> None:
        """Say who takes up the messages of a topic; before `come_up`."""
        self._takes[topic] = take

    async def come_up(self) -> None:
        """Read the log from its beginning, and be one of those who write it.

        Raises:
            Unusable: Redis does not answer.
        """
        try:
            await self._check()
            self._reading = asyncio.create_task(self._read())
            await self.append(_OWN, {"up": self.me, "slot": self.slot, "of": self.workers})
        except (RedisError, OSError) as reason:
            raise Unusable("a Redis that answers", str(reason)) from reason

    async def _check(self) -> None:
        await self._redis.ping()
        with contextlib.suppress(RedisError):  # a managed one may not tell
            kept = (await self._redis.config_get("appendonly")).get("appendonly")
            if kept == "no":
                _LOGGER.warning("Redis has appendonly no: what is logged does not survive its restart")

    def is_up(self, who: str) -> bool:
        """Whether a process is there, as far as is known: nobody has come up in its place."""
        return who in self._up.values()

    def append(self, topic: str, body: Mapping[str, Any]) -> asyncio.Future[None]:
        """Append a message; done when it came back and was taken up here. It is sent again until that has happened."""
        self._count += 1
        back: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        text = json_text({"topic": topic, "by": self.me, "number": self._count, "body": body})
        self._unsent.append(_Sent(self._count, text, back))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())
        return back

    async def within(self, appended: asyncio.Future[None], seconds: float = _ANSWER_S) -> None:
        """Wait for a message to come back, but not for ever.

        Raises:
            Unkept: it has not come back by then. It may yet.
        """
        try:
            await asyncio.wait_for(asyncio.shield(appended), seconds)
        except TimeoutError:
            raise Unkept("the shared log does not answer") from None

    async def fence(self) -> None:
        """Take up all that was in the log when this was called: whoever asks now must not miss what another one said.

        Raises:
            Unkept: Redis does not answer.
        """
        try:
            async with asyncio.timeout(_ANSWER_S):
                last = await self._surely_last()
                async with self._moved:
                    await self._moved.wait_for(lambda: _key_of(self._place) >= _key_of(last))
        except TimeoutError as reason:
            raise Unkept("the shared log does not answer") from reason

    async def _surely_last(self) -> str:
        """The place of the last message, asked for until there is an answer."""
        tries = 0
        while True:
            try:
                return await self._last()
            except (RedisError, OSError) as reason:
                self._tell(reason)
                await _before_try(tries := tries + 1)

    async def _last(self) -> str:
        newest = await self._redis.xrevrange(self._key, count=1)
        return str(newest[0][0]) if newest else "0-0"

    async def close(self) -> None:
        """Leave. What has not come back by now is not waited for."""
        for task in (self._sending, self._reading):
            while task is not None and not task.done():  # the client library loses a cancellation now and then
                task.cancel()
                await asyncio.wait({task}, timeout=_AGAIN_S[0])
        for one in (*self._sent, *self._unsent):
            one.back.cancel()
        await self._redis.aclose()

    async def _send_all(self) -> None:
        while self._unsent:
            batch, self._unsent = self._unsent, []
            self._sent += batch
            await self._send(batch)
        self._sending = None

    async def _send(self, batch: list[_Sent]) -> None:
        """Send messages in one round trip, all or none. Where it is not known whether they got there they go again."""
        tries = 0
        while batch:
            try:
                async with self._redis.pipeline(transaction=True) as pipe:
                    for one in batch:
                        pipe.xadd(self._key, {_FIELD: one.text})
                    await pipe.execute()
            except (RedisError, OSError) as reason:
                self._tell(reason)
                await _before_try(tries := tries + 1)
                batch = [one for one in batch if one in self._sent]
            else:
                return

    async def _read(self) -> None:
        tries = 0
        while True:
            try:
                found: Any = await self._redis.xread({self._key: self._place}, count=_PAGE, block=_BLOCK_MS)
            except (Unconnected, RedisError, OSError) as reason:
                self._tell(reason)
                await _before_try(tries := tries + 1)
                continue
            tries = 0
            if self._broken:
                await self._mend()
            entries = [entry for _, page in found for entry in page]
            if entries:
                await self._take_up(entries)

    def _tell(self, reason: Exception) -> None:
        if not self._broken:
            _LOGGER.error("the shared log does not answer: %s", reason)
        self._broken = True

    async def _mend(self) -> None:
        with contextlib.suppress(RedisError, OSError):
            if _key_of(await self._last()) < _key_of(self._place):
                _LOGGER.error("the shared log has lost messages that it had confirmed: see appendonly and appendfsync")
            else:
                _LOGGER.error("the shared log answers again")
            self._broken = False

    async def _take_up(self, entries: list[tuple[str, Mapping[str, str]]]) -> None:
        taken: list[tuple[_Sent | None, asyncio.Future[Any] | None]] = []
        for _, fields in entries:
            document = json.loads(fields[_FIELD])
            by, number = document["by"], document["number"]
            if number <= self._newest.get(by, 0):
                continue  # it was sent again, and the first one had got there
            self._newest[by] = number
            sent = self._sent.pop(0) if by == self.me and self._sent and self._sent[0].number == number else None
            message = Message(document["topic"], by, document["body"])
            taken.append((sent, self._hand(message)))
        outcomes = await asyncio.gather(*(future for _, future in taken if future), return_exceptions=True)
        made = iter(outcomes)
        for sent, future in taken:
            outcome = next(made) if future else None
            if sent is not None and not sent.back.done():
                if isinstance(outcome, Exception):
                    sent.back.set_exception(outcome)
                else:
                    sent.back.set_result(None)
        async with self._moved:
            self._place = entries[-1][0]
            self._moved.notify_all()

    def _hand(self, message: Message) -> asyncio.Future[Any] | None:
        if message.topic == _OWN:
            self._on_up(message.body)
        take = self._takes.get(message.topic)
        return take(message) if take else None

    def _on_up(self, body: Mapping[str, Any]) -> None:
        self._up = {slot: who for slot, who in self._up.items() if slot < body["of"]}
        self._up[body["slot"]] = body["up"]
        for tell in self.on_change:
            tell()


async def _before_try(number: int) -> None:
    await asyncio.sleep(_AGAIN_S[min(number, len(_AGAIN_S)) - 1])


def _key_of(place: str) -> tuple[int, int]:
    ms, _, number = place.partition("-")
    return int(ms), int(number or 0)
