"""How an exchange ended that broke: whether the connection failed or the message, and why.

Looks at exceptions alone; must not know what was asked, nor open a connection.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import anyio
import httpcore
import httpx

from streamvet.recorder.dialing import CONNECT_S
from streamvet.recorder.failures import MessageFailure, told
from streamvet.trace import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streamvet.trace import Head

# What may come out of a connection that breaks. Where TLS breaks while a message is read, httpcore passes that on.
BROKEN = (
    httpx.TransportError, httpcore.ProtocolError, httpcore.NetworkError, httpcore.TimeoutException,
    httpcore.ProxyError, ssl.SSLError, MessageFailure,
)  # fmt: skip
# OpenSSL's names for bytes that are no record of TLS, as an answer in plain HTTP is none.
_NO_TLS = frozenset({
    "WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE", "UNSUPPORTED_PROTOCOL_VERSION",
})  # fmt: skip


def ended_by(error: BaseException, head: Head | None, head_bytes: int, *, proxied: bool) -> tuple[Ending, str]:
    """The ending of an exchange that broke with an error, and the detail; `head_bytes` is the limit of heads."""
    if isinstance(error, MessageFailure):
        return error.ending, str(error)
    if isinstance(error, httpx.TimeoutException | httpcore.TimeoutException):
        return Ending.TIMED_OUT, f"no connection within {CONNECT_S:g} s"
    if not isinstance(error, httpx.RemoteProtocolError | httpcore.RemoteProtocolError):
        return Ending.RESET, why(error, proxied=proxied)
    if "buffer too long" in str(error).lower() and head is None:
        return Ending.CUT, f"limit: head over {head_bytes} bytes"
    return told(str(error))


def why(error: BaseException, *, proxied: bool = False) -> str:
    """Why there is no connection, or no longer."""
    if isinstance(error, httpx.ProxyError | httpcore.ProxyError):
        return f"the proxy makes no connection: it answers {error}"
    near = proxied and isinstance(error, httpx.ConnectError | httpcore.ConnectError)
    for one in _chain(error):
        for kind, said in _REASONS.items():
            if isinstance(one, kind) and (text := said(one)):
                return f"of the proxy: {text}" if near and not isinstance(one, ssl.SSLError) else text
    return "the connection failed"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """What an error comes of, the nearest first."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        yield from _chain(error.exceptions[0])
    elif before := error.__cause__ or error.__context__:
        yield from _chain(before)


def _certificate(error: BaseException) -> str:
    assert isinstance(error, ssl.SSLCertVerificationError)  # noqa: S101 - said for mypy: the table says it
    return f"its certificate is not trusted: {error.verify_message.removesuffix('.')}"


def _tls(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or ""
    if reason in _NO_TLS:
        return "it speaks no TLS there: http:// in base_url may be right"
    words = reason.replace("_", " ").lower()
    if " alert " in words:  # TLSV13_ALERT_CERTIFICATE_REQUIRED
        return f"it refuses the TLS handshake: {words.partition(' alert ')[2]}"
    return f"TLS fails: {words}" if words else "TLS fails"


def _system(error: BaseException) -> str:
    """What the operating system says; "" where an OSError is not from there."""
    text = getattr(error, "strerror", None)
    return text[:1].lower() + text[1:] if text else ""


_REASONS: dict[type[BaseException], Callable[[BaseException], str]] = {
    ssl.SSLCertVerificationError: _certificate,
    ssl.SSLError: _tls,
    socket.gaierror: lambda error: f"the name is not found ({_system(error)})",
    anyio.EndOfStream: lambda _: "it closes the connection instead of answering in TLS",
    ConnectionRefusedError: lambda _: "the connection was refused",
    ConnectionError: lambda _: "the connection was reset",
    FileNotFoundError: lambda _: "there is no such socket",
    PermissionError: lambda _: "permission to use the socket is denied",
    OSError: _system,
}
