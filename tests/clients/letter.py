"""A client by the letter of the standards, with faults on demand: `letter.py URL [FAULT…]`, or `letter.py --lines URL`.

It has nothing of the suite but this file: the standard library's sockets and JSON. A fault is a word that the code asks
for at the one place where it does something else.
"""

from __future__ import annotations

import codecs
import json
import socket
import sys
import time
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

URL, FAULTS = sys.argv[1].replace("--lines", ""), set(sys.argv[2:])


class Cut(Exception):  # noqa: N818 -- it names what became of the answer
    """The answer is not whole."""


def tell(**event: object) -> None:
    """Print an event, or an error."""
    print(json.dumps(event), flush=True)  # noqa: T201 - its interface


def answer(url: str, last_id: str) -> tuple[int, str, Iterator[bytes]]:
    """Status, media type and octets as they come."""
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname, parts.port or 80))
    accept = "" if "no-accept" in FAULTS else "Accept: text/event-stream\r\n"
    cursor = f"Last-Event-ID: {last_id}\r\n" if last_id or "empty-id-sent" in FAULTS else ""
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{accept}{cursor}\r\n"
    connection.sendall(request.encode("latin-1" if "latin-1" in FAULTS else "utf-8", "replace"))
    octets = b""
    while b"\r\n\r\n" not in octets:
        more = connection.recv(65536)
        if not more:
            raise Cut
        octets += more
    head, _, rest = octets.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    body = chunks(connection, rest) if "transfer-encoding" in fields else until_closed(connection, rest)
    return int(lines[0].split()[1]), fields.get("content-type", ""), body


def until_closed(connection: socket.socket, rest: bytes) -> Iterator[bytes]:
    """The octets until the connection ends."""
    while rest:
        yield rest
        rest = connection.recv(65536)


def chunks(connection: socket.socket, rest: bytes) -> Iterator[bytes]:
    """The octets of a chunked body; raises Cut where its last chunk is missing."""
    while True:
        while b"\r\n" not in rest:
            rest += more(connection)
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            return
        while len(rest) < int(size, 16) + 2:
            rest += more(connection)
        yield rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]


def more(connection: socket.socket) -> bytes:
    """The next octets."""
    try:
        octets = connection.recv(1 << 20)
    except ConnectionError as error:
        raise Cut from error
    if not octets:
        raise Cut
    return octets


class Events:
    """The state of one EventSource."""

    def __init__(self) -> None:
        self.last_id, self.retry_ms = "", 60
        self.held: list[dict[str, object]] = []
        self.begin()

    def begin(self) -> None:
        """A new stream."""
        self.decoder = codecs.getincrementaldecoder("utf-8")("strict" if "strict-utf-8" in FAULTS else "replace")
        self.line, self.after_cr, self.first = "", False, True
        self.data: list[str] = []
        self.name, self.id = "", self.last_id

    def feed(self, octets: bytes) -> None:
        """The next octets of the stream."""
        text = octets.decode("utf-8", "replace") if "cuts" in FAULTS else self.decoder.decode(octets)
        if text and self.first and "bom" not in FAULTS:
            text = text.removeprefix("\ufeff")
        self.first = self.first and not text
        ends = "\r\n" + ("\u2028\u2029\x85\x0b\x0c\x1c" if "unicode-lines" in FAULTS else "")
        start = 0
        for at, char in enumerate(text):
            if char not in ends:
                self.after_cr = False
            elif char == "\n" and self.after_cr:
                start, self.after_cr = at + 1, False
            elif char == "\r" and "no-cr" in FAULTS:
                pass
            else:
                self.ended(self.line + text[start:at])
                self.line, start, self.after_cr = "", at + 1, char == "\r"
        self.line += text[start:]

    def ended(self, line: str) -> None:
        """One line without its end."""
        if not line:
            self.dispatch()
        elif line[0] != ":":
            name, _, value = line.partition(":")
            value = value.strip() if "strips" in FAULTS else value.removeprefix(" ")
            self.field(name.lower() if "folds" in FAULTS else name, value)

    def field(self, name: str, value: str) -> None:
        """One field."""
        if name == "data":
            self.data.append(value)
        elif name == "event":
            self.name = value
        elif name == "id" and ("\0" not in value or "nul" in FAULTS):
            self.id = value
            self.last_id = value if "id-at-once" in FAULTS else self.last_id
        elif name == "retry" and (value.isascii() and value.isdigit()):
            self.retry_ms = int(value)
        elif name == "retry" and "any-retry" in FAULTS:
            self.retry_ms = 1

    def dispatch(self) -> None:
        """An empty line."""
        self.last_id = self.id
        if self.data or "empty-events" in FAULTS:
            text = ("" if "joined" in FAULTS else "\n").join(self.data)
            if text != "streamvet-end" and "late" in FAULTS:  # with what comes next
                self.held.append({"type": self.name or "message", "data": text})
                if len(self.held) > 1:
                    tell(**self.held.pop(0))
            else:
                while self.held:
                    tell(**self.held.pop(0))
                tell(type=self.name or "message", data=text, id=self.last_id)
        self.data = []
        self.name = self.name if "name-stays" in FAULTS else ""


def read_events(url: str) -> NoReturn:
    """Read, and come back, until the server says that there is no more."""
    events, tries = Events(), 0
    while tries == 0 or "never-again" not in FAULTS:
        tries += 1
        try:
            status, kind, octets = answer(url, events.last_id)
            stream = status == 200 and kind.partition(";")[0].strip().lower() == "text/event-stream"
            if not stream and "any-head" not in FAULTS:
                time.sleep(3600) if "stays" in FAULTS else sys.exit(0)
            events.begin()
            for some in octets:
                events.feed(some)
        except (Cut, ConnectionError):
            pass
        if "unended" in FAULTS:
            events.dispatch()
        time.sleep((0 if "no-wait" in FAULTS else events.retry_ms) / 1000)
    sys.exit(0)


def read_lines(url: str) -> None:
    """Read one answer line by line."""
    rest = b""
    try:
        for some in answer(url, "")[2]:
            *lines, rest = (rest + some).split(b"\n")
            for line in lines:
                if line.strip():
                    tell(value=json.loads(line))
    except (Cut, ConnectionError, ValueError) as error:
        tell(error=type(error).__name__)


if URL:
    read_events(URL)
else:
    URL = FAULTS.pop()
    read_lines(URL)
