"""What is at an address where HTTP fails: whether TLS is spoken there, and whose certificate is shown.

A handshake of its own, without verification and without a request, so that nobody is told anything. Must not know why
somebody wants to know.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from streamvet.contract.route import Tls
from streamvet.recorder.broken import BROKEN
from streamvet.recorder.certificate import issuer_of
from streamvet.recorder.dialing import CONNECT_S, context_of, dial

if TYPE_CHECKING:
    import ssl

    import httpcore

    from streamvet.contract.route import Route

_ANYBODY = Tls(Path(), None, None, None, verify=False)


async def certificate_at(route: Route, url: str) -> bytes | None:
    """The certificate, as DER, that is shown in a TLS handshake with whom a URL names, None where there is no TLS."""
    where = httpx.URL(url)
    with contextlib.suppress(*BROKEN, OSError, TimeoutError):
        async with asyncio.timeout(CONNECT_S):
            stream = await dial(route, where)
            try:
                stream = await stream.start_tls(context_of(_ANYBODY), where.raw_host.decode(), CONNECT_S)
                return _shown(stream)
            finally:
                await stream.aclose()
    return None


def _shown(stream: httpcore.AsyncNetworkStream) -> bytes | None:
    tls: ssl.SSLObject | None = stream.get_extra_info("ssl_object")
    return tls.getpeercert(binary_form=True) or None if tls is not None else None


async def explained(route: Route, url: str, said: str) -> str:
    """What was said of a failure there, with what a handshake shows of it."""
    https = url.startswith("https://")
    if https and "certificate" not in said:
        return said
    shown = await certificate_at(route, url)
    if https:
        return f"{said}; it was issued by {issuer_of(shown) or 'nobody'}" if shown is not None else said
    return "it speaks TLS there: https:// in base_url may be right" if shown is not None else said
