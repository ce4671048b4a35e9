"""Servers of known protocols with faults that were reported in public: one server, a row a fault, each at its own path.

What an honest one sends is a right capture of the protocol; a fault is the smallest edit of it, or a way to end it.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.recorder.servers import LAST_CHUNK, chunk, standing

from streamvet.contract.files import schemas_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

LEFT_OPEN_S = 60.0  # longer than anybody waits for the end
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
    b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
)
SESSION = b"Mcp-Session-Id: s1\r\n"


class Fake(NamedTuple):
    """`found`: the one id; "" of an honest server. `report`: where it was reported. `edit` makes blocks of blocks."""

    protocol: str
    name: str
    capture: str
    found: str = ""
    report: str = ""
    edit: Callable[[list[str]], list[str]] = lambda blocks: blocks
    ends: bool = True
    asked: str = ""  # the word in a request at which it has its fault; without that word it is honest

    @property
    def path(self) -> str:
        """Where it is on the server."""
        return f"/{self.protocol}/{self.name.replace(' ', '-')}"


def without(*numbers: int) -> Callable[[list[str]], list[str]]:
    """The blocks but for some, counted from the end where they are negative."""

    def edit(blocks: list[str]) -> list[str]:
        left_out = {number % len(blocks) for number in numbers}
        return [one for number, one in enumerate(blocks) if number not in left_out]

    return edit


def again(number: int, at: int) -> Callable[[list[str]], list[str]]:
    """A block once more, before another one."""
    return lambda blocks: [*blocks[: at % len(blocks)], blocks[number], *blocks[at % len(blocks) :]]


def swapped(before: str, after: str) -> Callable[[list[str]], list[str]]:
    """The blocks with another text in place of one, which is in them."""

    def edit(blocks: list[str]) -> list[str]:
        assert any(before in one for one in blocks)
        return [one.replace(before, after) for one in blocks]

    return edit


def numbered(before: str) -> Callable[[list[str]], list[str]]:
    """The blocks with another number behind a text in each."""
    return lambda blocks: [one.replace(before, f"{before}{number}") for number, one in enumerate(blocks)]


def joined(number: int) -> Callable[[list[str]], list[str]]:
    """Two data in one line."""
    return lambda blocks: [
        *blocks[:number], blocks[number] + blocks[number + 1].removeprefix("data: "), *blocks[number + 2 :],
    ]  # fmt: skip


STOP = (
    'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1753900000,"model":"small-1",'
    '"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
)
FINISHED = 'data: {"type":"RUN_FINISHED","threadId":"t1","runId":"r1"}'
LATE = 'data: {"type":"TEXT_MESSAGE_CONTENT","messageId":"m1","delta":" and more"}'

FAKES = [
    Fake("openai-chat", "honest", "tool-call"),
    Fake("openai-chat", "no done", "text", "TRM-01", "ikawrakow/ik_llama.cpp#467", without(-1)),
    Fake("openai-chat", "no finish reason", "text", "ORD-01", "anomalyco/opencode#43882", without(-2)),
    Fake("openai-chat", "another id in each chunk", "text", "EVT-13", "ggml-org/llama.cpp#5876", numbered("chatcmpl-")),
    Fake("openai-chat", "two chunks in one event", "text", "EVT-02", "openai/openai-python#663", joined(1)),
    Fake("openai-chat", "a tool call that ends twice", "tool-call", "ORD-01", "RayBytes/ChatMock#114",
         lambda blocks: [*blocks[:-1], STOP, blocks[-1]]),
    Fake("openai-chat", "an empty finish reason", "text", "EVT-08", "ollama/ollama#4357",
         swapped('"finish_reason":"stop"', '"finish_reason":""')),
    Fake("anthropic-messages", "honest", "tool-use"),
    Fake("anthropic-messages", "no message_stop", "text", "TRM-01", "tombii/better-ccflare#307", without(-1)),
    Fake("anthropic-messages", "message_start twice", "text", "ORD-01", "BerriAI/litellm#33859", again(0, 1)),
    Fake("anthropic-messages", "a block left open", "tool-use", "ORD-01", "xemantic/anthropic-sdk-kotlin#147",
         without(3)),
    Fake("anthropic-messages", "a delta without a start", "tool-use", "ORD-01", "bigduu/Bamboo-agent#368", without(4)),
    Fake("anthropic-messages", "message_stop twice", "text", "TRM-02", "katanemo/plano#898", again(-1, 99)),
    Fake("anthropic-messages", "left open", "text", "TRM-04", "earendil-works/pi#5592", ends=False),
    Fake("mcp-streamable-http", "honest", "a-call"),
    Fake("mcp-streamable-http", "no response", "a-call", "TRM-01", "coddingtonbear/obsidian-local-rest-api#251",
         without(-1)),
    Fake("mcp-streamable-http", "progress that stands still", "a-call", "ORD-02", "shaun0927/openchrome#954",
         swapped('"progress":2', '"progress":1')),
    Fake("mcp-streamable-http", "a result without an id", "a-call", "EVT-08", "yjacquin/fast-mcp#39",
         swapped('"id":"1"', '"id":null')),
    Fake("mcp-streamable-http", "left open", "a-call", "TRM-04", "modelcontextprotocol/java-sdk#1050", ends=False),
    Fake("ag-ui", "honest", "tool-call"),
    Fake("ag-ui", "text after its end", "text", "ORD-01", "agentscope-ai/agentscope-java#3071",
         lambda blocks: [*blocks[:-1], LATE, blocks[-1]]),
    Fake("ag-ui", "finished after an error", "an-error", "TRM-02", "ag-ui-protocol/ag-ui#1892",
         lambda blocks: [*blocks, FINISHED], asked="fail"),
    Fake("ag-ui", "a tool call left open", "tool-call", "ORD-09", "microsoft/agent-framework#8244", without(-2, -3)),
    Fake("ag-ui", "a result without a call", "tool-call", "ORD-01", "ag-ui-protocol/ag-ui#1275", without(1, 2, 3)),
]  # fmt: skip
HONEST = {one.protocol: one for one in FAKES if not one.found}
BY_PATH = {one.path: one for one in FAKES}


def blocks_of(fake: Fake) -> list[str]:
    """What it sends, block by block."""
    path = schemas_folder() / "known" / fake.protocol / "captures" / "right" / f"{fake.capture}.sse"
    return fake.edit(path.read_text(encoding="utf-8").rstrip("\n").split("\n\n"))


def answer(fake: Fake, asked: dict[str, Any]) -> tuple[bytes, list[str]]:
    """The head of an answer, and its blocks; none where it is no stream."""
    if fake.protocol == "mcp-streamable-http" and asked.get("method") != "tools/call":
        made = {"jsonrpc": "2.0", "id": asked.get("id"), "result": {"protocolVersion": "2025-11-25"}}
        body = json.dumps(made).encode() if "id" in asked else b""
        status = b"200 OK" if body else b"202 Accepted"
        about = b"Content-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        return b"HTTP/1.1 " + status + b"\r\n" + SESSION + about + body, []
    own = {
        '"runId":"r1"': f'"runId":{json.dumps(asked.get("runId"))}',
        '"id":"1"': f'"id":{json.dumps(asked.get("id"))}',
    }
    found = []
    is_faulty = fake.asked in json.dumps(asked)
    for block in blocks_of(fake if is_faulty else HONEST[fake.protocol]):
        for before, after in own.items() if fake.protocol in ("mcp-streamable-http", "ag-ui") else ():
            block = block.replace(before, after)  # noqa: PLW2901 - step by step
        found.append(block)
    return HEAD, found


async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
        body = await reader.readexactly(length)
    except asyncio.IncompleteReadError:  # who asks whether somebody is there
        return
    fake = BY_PATH.get(head.split(" ")[1].removesuffix("/v1/chat/completions").removesuffix("/v1/messages")
                       .removesuffix("/mcp"))  # fmt: skip
    if fake is None or not body:
        writer.write(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        return
    first, blocks = answer(fake, json.loads(body))
    writer.write(first)
    for block in blocks:
        writer.write(chunk(f"{block}\n\n".encode()))
        await writer.drain()
    if blocks:
        await asyncio.sleep(0 if fake.ends else LEFT_OPEN_S)
        writer.write(LAST_CHUNK)


def running() -> AbstractContextManager[str]:
    """The server in a thread of its own; gives its address."""
    return standing(handle)
