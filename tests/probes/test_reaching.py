"""What is said of a candidate that cannot be reached: what somebody has to change about the target."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest
from tests.recorder import certificates
from tests.recorder.servers import Handler, sends, serving

from streamvet.campaign.reaching import Unreachable, reach
from streamvet.contract.target import target_of
from streamvet.probes.candidate import Candidate
from streamvet.recorder import Recorder, Secrets

if TYPE_CHECKING:
    from pathlib import Path

OPEN = sends(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
NOT_TLS = sends(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
UNTRUSTED = "its certificate is not trusted: unable to get local issuer certificate"
PLAIN = "it speaks TLS there: https:// in base_url may be right"
CASES: dict[str, tuple[Handler, bool, str, str]] = {
    "a certificate of nobody": (
        OPEN,
        True,
        "https",
        f"not up within 0 s: {UNTRUSTED}; it was issued by CN={certificates.AUTHORITY}",
    ),
    "no TLS where TLS is wanted": (OPEN, True, "http", f"not up within 0 s: {PLAIN}"),
    "no HTTP": (
        sends(b"220 mail.example ESMTP\r\n\r\n"),
        False,
        "http",
        'not up within 0 s: "220 mail.example ESMTP" instead of',
    ),
    "silence": (sends(), False, "http", "not up within 0 s: it closes connections without an answer"),
}


async def said(folder: Path, url: str) -> str:
    """What is said of a candidate that cannot be reached; "" of one that can."""
    target, profile = target_of({"profile": "cosma", "base_url": url}, folder / "target.yaml")
    async with Recorder(profile, Secrets(), route=target.route) as recorder:
        try:
            await reach(Candidate(target, profile, 1.0, recorder), 0)
        except Unreachable as error:
            return str(error)
        return ""


@pytest.mark.parametrize("name", CASES)
def test_unreachable(name: str, tmp_path: Path) -> None:
    handle, tls, scheme, wanted = CASES[name]
    certificates.make(tmp_path)

    async def scenario() -> str:
        async with serving(handle, tls=certificates.served(tmp_path) if tls else None) as url:
            where = f"{scheme}://{url.partition('://')[2]}"
            return (await said(tmp_path, where)).removeprefix(f"{where}: ")

    assert asyncio.run(scenario()).startswith(wanted)


def test_a_server_that_answers_400_to_who_comes_without_tls(tmp_path: Path) -> None:
    """As nginx does it, and servers in Go; one that answers 400 and has no TLS is up."""
    certificates.make(tmp_path)
    context = certificates.served(tmp_path)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _either(reader, writer, context)

    async def scenario() -> tuple[str, str]:
        async with serving(handle) as both, serving(NOT_TLS) as plain:
            return await said(tmp_path, both), await said(tmp_path, plain)

    both, plain = asyncio.run(scenario())
    assert both.endswith(f": / is answered 400: {PLAIN}")
    assert plain == ""


async def _either(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext) -> None:
    """A handshake for whoever begins one, 400 for others."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    while data := await reader.read(1 << 16):
        if data[:1] == b"G":
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return
        incoming.write(data)
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            writer.write(outgoing.read())
            continue
        writer.write(outgoing.read())
