"""The ways to a candidate: TLS with an authority of one's own and a client certificate, a unix socket, a proxy."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import ssl
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.contract.files import FileError
from streamvet.contract.loading import load_profile
from streamvet.contract.route import Route, route_of
from streamvet.recorder import Ask, Recorder, Secrets
from streamvet.trace import Ending, Exchange

from . import certificates
from .servers import LAST_CHUNK, SOON_S, SSE_HEAD, Handler, chunk, get, recording, request_of, sends, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAM = (SSE_HEAD, chunk(b"data: 1\n\n"), chunk(b"data: 2\n\n"), LAST_CHUNK)
READ = (Ending.COMPLETE, b"data: 1\n\ndata: 2\n\n", "")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with certificates, whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="sv") as name:
        certificates.make(Path(name))
        yield Path(name)


def way(base_url: str, folder: Path, **more: Any) -> Route:
    raw = {"base_url": base_url} | more
    return route_of(raw, load_profile("cosma"), folder / "target.yaml")


async def read(url: str, route: Route) -> Exchange:
    async with recording(route=route) as tape:
        await get(tape, url).ended(SOON_S)
        (exchange,) = await tape.exchanges()
        return exchange


def result(exchange: Exchange) -> tuple[Ending, bytes, str]:
    return exchange.ending, exchange.body, exchange.detail


TLS: dict[str, tuple[bool, dict[str, Any], tuple[Ending, bytes, str]]] = {
    "an authority of its own": (False, {"ca": "ca.pem"}, READ),
    "nobody looks": (False, {"verify": False}, READ),
    "a client certificate": (True, {"ca": "ca.pem", "cert": "client.pem", "key": "client.key"}, READ),
    "nobody trusts it": (
        False,
        {},
        (Ending.RESET, b"", "its certificate is not trusted: unable to get local issuer certificate"),
    ),
}


@pytest.mark.parametrize("name", TLS)
def test_tls(name: str, folder: Path) -> None:
    wants_client, row, wanted = TLS[name]

    async def scenario() -> Exchange:
        async with serving(sends(*STREAM), tls=certificates.served(folder, wants_client=wants_client)) as url:
            return await read(url, way(url, folder, **({"tls": row} if row else {})))

    assert result(asyncio.run(scenario())) == wanted


def test_tls_without_the_client_certificate_that_is_wanted(folder: Path) -> None:
    """By a blocking server: one of asyncio resets the connection, and its alert is lost with that."""
    context = certificates.served(folder, wants_client=True)
    listening = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        raw, _ = listening.accept()
        with context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False) as refused:
            with pytest.raises(ssl.SSLError):
                refused.do_handshake()
            while os.read(refused.fileno(), 1 << 16):  # what the client sends meanwhile: unread, it would be a reset
                pass

    async def scenario() -> Exchange:
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        refusing = asyncio.create_task(asyncio.to_thread(refuse))
        exchange = await read(url, way(url, folder, tls={"ca": "ca.pem"}))
        await refusing
        return exchange

    with listening:
        wanted = (Ending.RESET, b"", "it refuses the TLS handshake: certificate required")
        assert result(asyncio.run(scenario())) == wanted


def test_tls_of_another_host(folder: Path) -> None:
    async def scenario() -> Exchange:
        async with serving(sends(*STREAM), tls=certificates.served(folder)) as url:
            away = url.replace("127.0.0.1", "127.0.0.2")
            route = way(away, folder, tls={"ca": "ca.pem"})
            return await read(away, route)

    async def elsewhere() -> Exchange:
        tls = certificates.served(folder)
        server = await asyncio.start_server(sends(*STREAM), "127.0.0.2", 0, ssl=tls)
        async with server:
            url = f"https://127.0.0.2:{server.sockets[0].getsockname()[1]}"
            return await read(url, way(url, folder, tls={"ca": "ca.pem"}))

    assert asyncio.run(scenario()).detail == "the connection was refused"
    said = "its certificate is not trusted: IP address mismatch, certificate is not valid for '127.0.0.2'"
    assert asyncio.run(elsewhere()).detail == said


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"ca": "client.key"}, "/tls/ca: expected certificates in PEM, got no certificate or crl found"),
        ({"cert": "client.pem"}, "/tls/cert: expected a certificate in PEM with its private key, in this file or "),
        ({"cert": "client.pem", "key": "server.key"}, "got key values mismatch"),
    ],
)
def test_certificates_that_cannot_be_used(row: dict[str, Any], said: str, folder: Path) -> None:
    route = way("https://a.example", folder, tls=row)
    with pytest.raises(FileError) as raised:
        Recorder(load_profile("cosma"), Secrets(), route=route)
    assert said in str(raised.value)


@pytest.mark.parametrize("tls", [False, True])
def test_a_unix_socket(tls: bool, folder: Path) -> None:
    heads: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await request_of(reader))
        writer.write(b"".join(STREAM))

    async def scenario() -> Exchange:
        context = certificates.served(folder) if tls else None
        async with serving(handle, tls=context, socket_file=folder / "socket") as url:
            where = url.replace("unix.example", "localhost") if tls else url
            more = {"tls": {"ca": "ca.pem"}} if tls else {}
            return await read(where, way(where, folder, socket="socket", **more))

    assert result(asyncio.run(scenario())) == READ
    assert [b"Host: localhost" if tls else b"Host: unix.example" in head for head in heads]


def proxying(seen: list[bytes]) -> Handler:
    """An HTTP proxy that notes the heads that it gets."""

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await request_of(reader)
        seen.append(head)
        method, target = head.split(b" ")[:2]
        where = target.removeprefix(b"http://").partition(b"/")[0].decode()
        if where.startswith("refused"):
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = where.rpartition(":")
        there, back = await asyncio.open_connection(host, int(port))
        if method == b"CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            back.write(head)
        await asyncio.gather(passed(reader, back), passed(there, writer))

    return handle


@pytest.mark.parametrize("tls", [False, True])
def test_a_proxy(tls: bool, folder: Path) -> None:
    heads: list[bytes] = []

    async def scenario() -> Exchange:
        context = certificates.served(folder) if tls else None
        async with serving(sends(*STREAM), tls=context) as url, serving(proxying(heads)) as proxy:
            more = {"tls": {"ca": "ca.pem"}} if tls else {}
            named = proxy.replace("//", "//me:pass%20word@")
            return await read(url, way(url, folder, proxy=named, **more))

    assert result(asyncio.run(scenario())) == READ
    (head,) = heads
    assert head.startswith(b"CONNECT 127.0.0.1:" if tls else b"GET http://127.0.0.1:")
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"me:pass word") in head


def test_what_a_proxy_refuses(folder: Path) -> None:
    async def scenario() -> tuple[Exchange, Exchange]:
        async with serving(proxying([])) as proxy:
            url = "https://refused.example"
            refused = await read(url, way(url, folder, proxy=proxy))
        return refused, await read(url, way(url, folder, proxy=proxy))

    refused, gone = asyncio.run(scenario())
    assert refused.detail == "the proxy makes no connection: it answers 407 Proxy Authentication Required"
    assert gone.detail == "of the proxy: the connection was refused"


FAILS: dict[str, tuple[str, str]] = {
    "no such name": ("http://no-such-host.invalid", "the name is not found ("),
    "nobody listens": ("http://127.0.0.1:1", "the connection was refused"),
    "no TLS": ("https", "it speaks no TLS there: http:// in base_url may be right"),
}


async def answers_anything(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("name", FAILS)
def test_why_there_is_no_connection(name: str, folder: Path) -> None:
    async def scenario() -> Exchange:
        url, _ = FAILS[name]
        async with serving(answers_anything) as other:
            url = other.replace("http", "https") if url == "https" else url
            return await read(url, way(url, folder))

    exchange = asyncio.run(scenario())
    assert (exchange.ending, exchange.detail[: len(FAILS[name][1])]) == (Ending.RESET, FAILS[name][1])


def test_no_socket(folder: Path) -> None:
    url = "http://unix.example"
    assert asyncio.run(read(url, way(url, folder, socket="nobody"))).detail == "there is no such socket"


GARBLED = {
    "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", '"SSH-2.0-OpenSSH_9.2" instead of a status line'),
    "an alert of TLS": (b"\x15\x03\x01\x00\x02\x02\x46\n\n", "it speaks TLS there: https:// in base_url may be right"),
    "HTTP/2": (b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64\n\n", "it speaks HTTP/2 there"),
}


@pytest.mark.parametrize("name", GARBLED)
def test_why_an_answer_is_no_http(name: str, folder: Path) -> None:
    async def scenario() -> Exchange:
        async with serving(sends(GARBLED[name][0])) as url:
            return await read(url, way(url, folder))

    exchange = asyncio.run(scenario())
    assert (exchange.ending, exchange.detail) == (Ending.MALFORMED, GARBLED[name][1])


def test_a_large_body_over_a_unix_socket_stops_at_an_answer(folder: Path) -> None:
    refusal = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    async def scenario() -> Exchange:
        route = way("http://unix.example", folder, socket="socket")
        serve = serving(sends(refusal), socket_file=folder / "socket")
        async with serve as url, recording(route=route) as tape:
            await tape.send(Ask("push", "push", "POST", url, body=b"x" * (16 << 20))).ended(SOON_S)
            (exchange,) = await tape.exchanges()
            return exchange

    assert asyncio.run(scenario()).status == 413
