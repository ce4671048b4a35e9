"""What independent readers make of the cases: undici's EventSource and JSON.parse in Node, httpx-sse in Python.

Our decoder is held to the standard by its own tables; these readers hold the tables to the world. Where one deviates,
the case is listed here by name with the reason, and the list must be exact.
"""

from __future__ import annotations

import base64
import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest
from httpx_sse import EventSource

from streamvet.framing import sse
from streamvet.framing.json_text import JsonFault, read

from .by_the_letter import Dispatched, dispatched, dispatched_by
from .cases import SSE_CASES
from .test_decoders import TOKENS
from .test_json_text import FAULTY, NO_JSON, SOUND

if TYPE_CHECKING:
    from collections.abc import Iterator

PEERS = Path(__file__).resolve().parents[1] / "peers"
INSTALL = f"run `npm ci --prefix {PEERS.parent.name}/{PEERS.name}` at the repository's root, with Node 20.18.1 or later"
NODE_TIMEOUT_S = 60  # it takes one second; a machine under load ten

# As many as Node reads in a second.
RANDOM_STREAMS = 300


def random_body(dice: random.Random) -> bytes:
    return b"".join(dice.choices(TOKENS, k=dice.randrange(4, 30))) + b"\n\ndata: last\n\n"


DICE = random.Random(20240229)
STREAMS: dict[str, bytes] = {case.name: case.body for case in SSE_CASES} | {
    f"random {number}": random_body(DICE) for number in range(RANDOM_STREAMS)
}
TEXTS = [row[0] for table in (SOUND, NO_JSON, FAULTY) for row in table]


class Answer(NamedTuple):
    """What Node read: per stream name the events, fed whole and byte by byte; per text, whether it parsed."""

    whole: dict[str, list[Dispatched]]
    in_bytes: dict[str, list[Dispatched]]
    texts: list[bool]


@pytest.fixture(scope="module")
def node() -> Answer:
    program = shutil.which("node")
    if program is None:
        pytest.fail(f"Node is not installed: {INSTALL}", pytrace=False)
    if not (PEERS / "node_modules" / "undici").is_dir():
        pytest.fail(f"undici is not installed: {INSTALL}", pytrace=False)
    chunkings = [[body] for body in STREAMS.values()] + [list(in_bytes(body)) for body in STREAMS.values()]
    question = {
        "streams": [[base64.b64encode(chunk).decode() for chunk in chunks] for chunks in chunkings],
        "texts": TEXTS,
    }
    done = subprocess.run(
        [program, str(PEERS / "readers.mjs")],
        input=json.dumps(question),
        capture_output=True,
        encoding="utf-8",
        timeout=NODE_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        pytest.fail(
            f"node tests/peers/readers.mjs exited with {done.returncode}: {INSTALL}\n{done.stderr}", pytrace=False
        )
    answer = json.loads(done.stdout)
    streams = [[Dispatched(*event) for event in events] for events in answer["streams"]]
    count = len(STREAMS)
    return Answer(
        dict(zip(STREAMS, streams[:count], strict=True)),
        dict(zip(STREAMS, streams[count:], strict=True)),
        answer["texts"],
    )


def in_bytes(body: bytes) -> Iterator[bytes]:
    return (body[at : at + 1] for at in range(len(body)))


def ours() -> dict[str, list[Dispatched]]:
    return {name: dispatched_by(sse.decode(body)) for name, body in STREAMS.items()}


def test_by_the_letter() -> None:
    assert ours() == {name: dispatched(body) for name, body in STREAMS.items()}


# --- undici ----------------------------------------------------------------------------------------------------------

UNDICI_DEVIATES: dict[str, str] = {
    "an empty second event line empties the name": "sets the event type only where the new value is not empty",
}


def test_undici_reads_the_same_events(node: Answer) -> None:
    expected = ours()
    assert {name for name in STREAMS if node.whole[name] != expected[name]} == set(UNDICI_DEVIATES)
    assert {name for name in STREAMS if node.in_bytes[name] != expected[name]} == set(UNDICI_DEVIATES)


def test_json_parse_takes_the_same_texts(node: Answer) -> None:
    no_value = {JsonFault.NOT_JSON, JsonFault.SEVERAL_DOCUMENTS}
    expected = {text: not no_value & {problem.fault for problem in read(text).problems} for text in TEXTS}
    assert dict(zip(TEXTS, node.texts, strict=True)) == expected


# --- httpx-sse -------------------------------------------------------------------------------------------------------

NO_BOM = "takes the byte order mark for a part of the first line"
NO_DATA = "dispatches a block that has no data, as soon as it has a field or the stream has an id"
HTTPX_SSE_DEVIATES: dict[str, str] = {
    "BOM before data": NO_BOM,
    "BOM before CRLF": NO_BOM,
    "event without data": NO_DATA,
    "retry alone": NO_DATA,
    "an id without data counts": NO_DATA,
    "a comment after the first field": NO_DATA,
    "a comment before a block without data": NO_DATA,
    "Latin-1 in a block without data": NO_DATA,
    "a comment and an empty line once there is an id": NO_DATA,
    "an empty line once there is an id": NO_DATA,
}


def httpx_sse_events(chunks: Any) -> list[Dispatched]:
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=chunks)
    return [Dispatched(event.event, event.data, event.id) for event in EventSource(response).iter_sse()]


def test_httpx_sse_deviates_only_as_listed() -> None:
    expected = ours()
    named = [case.name for case in SSE_CASES]
    whole = {name for name in named if httpx_sse_events(iter([STREAMS[name]])) != expected[name]}
    in_pieces = {name for name in named if httpx_sse_events(in_bytes(STREAMS[name])) != expected[name]}
    assert whole | in_pieces == set(HTTPX_SSE_DEVIATES)
