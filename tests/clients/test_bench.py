"""The bench: a client by the letter passes every vector, and each fault of it is found under the requirement it breaks.

Knows the client of `letter.py` as a command alone.
"""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from streamvet.clients.bench import Bench
from streamvet.clients.judging import Finding, Result, ruled
from streamvet.clients.observed import Observed
from streamvet.clients.running import Terms
from streamvet.clients.trying import try_all
from streamvet.clients.vectors import vectors
from streamvet.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

LETTER = Path(__file__).parent / "letter.py"
# On a busy machine a client takes a while; whoever fails a vector by silence takes all of it.
DEADLINE_S = 20.0
FAULT_DEADLINE_S = 1.0


def _command(*words: str) -> str:
    return shlex.join([sys.executable, "-S", "-E", str(LETTER), *words])


def _tried(
    command: str, framing: str, only: AbstractSet[str] = frozenset(), deadline_s: float = DEADLINE_S
) -> list[Result]:
    chosen = [one for one in vectors() if one.framing == framing and (not only or one.id in only)]
    chosen = [one for one in chosen if framing == "ndjson" or one.tells is None]
    return asyncio.run(try_all(Terms(command, deadline_s), chosen, (), 4, lambda _one: None))


def _bad(results: list[Result]) -> dict[str, tuple[Finding, ...]]:
    return {one.vector.id: one.findings for one in results if one.verdict is not Verdict.PASS}


@pytest.mark.live
@pytest.mark.parametrize(("framing", "words"), [("sse", ["{url}"]), ("ndjson", ["--lines", "{url}"])])
def test_a_client_by_the_letter_passes_every_vector(framing: str, words: list[str]) -> None:
    results = _tried(_command(*words), framing)
    assert _bad(results) == {}
    assert {verdict for _, verdict, _ in ruled(results)} == {Verdict.PASS}


# The word of a fault, a vector that shows it, and one beside it that does not.
FAULTS: dict[str, tuple[str, str]] = {
    "cuts": ("cut-inside-a-character", "one-event"),
    "no-cr": ("cr-alone", "one-event"),
    "unicode-lines": ("next-line-in-data", "crlf"),
    "bom": ("byte-order-mark", "one-event"),
    "strips": ("spaces-at-the-end", "no-space-after-the-colon"),
    "folds": ("field-in-capitals", "unknown-field"),
    "joined": ("several-data-lines", "one-event"),
    "empty-events": ("comment-after-an-id", "one-event"),
    "name-stays": ("name-does-not-stay", "name-of-an-event"),
    "unended": ("unended-at-the-end", "one-event"),
    "nul": ("id-with-a-nul", "id-stays"),
    "strict-utf-8": ("not-utf-8", "one-event"),
    "any-head": ("html-in-the-place-of-events", "charset-in-the-media-type"),
    "no-accept": ("accept", "one-event"),
    "never-again": ("again-after-the-end", "one-event"),
    "latin-1": ("last-event-id-beyond-ascii", "last-event-id"),
    "empty-id-sent": ("last-event-id-that-was-emptied", "empty-id"),
    "id-at-once": ("id-of-a-block-that-was-cut", "last-event-id"),
    "no-wait": ("retry", "one-event"),
    "any-retry": ("retry-with-a-sign", "retry"),
    "late": ("delivered-before-more-comes", "two-events-in-one-piece"),
}


@pytest.mark.live
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_client_is_found(fault: str) -> None:
    shows, holds = FAULTS[fault]
    assert set(_bad(_tried(_command("{url}", fault), "sse", {shows}, FAULT_DEADLINE_S))) == {shows}
    assert _bad(_tried(_command("{url}", fault), "sse", {holds})) == {}


def test_a_connection_on_which_nothing_is_asked_holds_nothing_up() -> None:
    """A browser keeps such ones in store, and goes on when the vector is over."""

    async def main() -> None:
        async with asyncio.timeout(DEADLINE_S):
            async with Bench(vectors()[0], Observed()) as bench:
                parts = urlsplit(bench.url)
                _, writer = await asyncio.open_connection(parts.hostname, parts.port)
                await asyncio.sleep(0)
            writer.close()

    asyncio.run(main())


@pytest.mark.live
def test_a_client_that_stays_quiet_after_a_refusal_passes() -> None:
    assert _bad(_tried(_command("{url}", "stays"), "sse", {"status-500", "status-204-ends-it"})) == {}
