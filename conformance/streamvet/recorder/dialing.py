"""Connections to the candidate by the way that the target says: TCP or a unix socket, through a proxy, with TLS.

Must not know what is sent on them.
"""

from __future__ import annotations

import ssl
from functools import cache
from typing import TYPE_CHECKING

import httpcore
import httpx

from streamvet.contract.files import FileError

if TYPE_CHECKING:
    from streamvet.contract.route import Route, Tls

# A reader that does not get a connection has met an overload or a firewall; localhost answers in under a millisecond.
CONNECT_S = 10.0
Options = list[tuple[int, int, int]]


@cache
def context_of(tls: Tls | None, protocol: str = "http/1.1") -> ssl.SSLContext:
    """Whom to trust, and what to speak (by its name in ALPN, RFC 7301).

    Read once in a process, as it takes 30 ms and a proof has some hundred campaigns.

    Raises:
        FileError: where a certificate or a key of the target cannot be used.
    """
    context = ssl.create_default_context() if tls is None else _context(tls)
    context.set_alpn_protocols([protocol])
    return context


def _context(tls: Tls) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except OSError as error:  # ssl.SSLError is one
        raise FileError(tls.file, "/tls/ca", "certificates in PEM", _said(error)) from error
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert is not None:
        try:
            context.load_cert_chain(tls.cert, tls.key, password=_ask)
        except (OSError, ValueError) as error:
            wanted = "a certificate in PEM with its private key, in this file or in that of key"
            raise FileError(tls.file, "/tls/cert", wanted, _said(error)) from error
    return context


def _ask() -> str:
    """Where the key is encrypted: by itself, OpenSSL would ask on the terminal, and wait."""
    raise ValueError("a key with a passphrase")


def _said(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "nothing of the kind").replace("_", " ").lower()
    return getattr(error, "strerror", None) or str(error)


async def dial(route: Route, url: httpx.URL, options: Options | None = None) -> httpcore.AsyncNetworkStream:
    """A connection to whom a URL names, before TLS; through a proxy, a tunnel.

    Raises:
        httpcore.ConnectError: where there is none; httpcore.ProxyError where the proxy makes none.
    """
    backend = httpcore.AnyIOBackend()
    if route.socket is not None:
        return await backend.connect_unix_socket(str(route.socket), timeout=CONNECT_S, socket_options=options)
    host, port = url.raw_host.decode(), url.port or {"https": 443}.get(url.scheme, 80)
    if route.proxy is None:
        return await backend.connect_tcp(host, port, timeout=CONNECT_S, socket_options=options)
    proxy = httpx.Proxy(route.proxy)
    near = proxy.url.raw_host.decode(), proxy.url.port or 80
    stream = await backend.connect_tcp(*near, timeout=CONNECT_S, socket_options=options)
    return await _tunnel(stream, proxy, f"{host}:{port}")


async def _tunnel(stream: httpcore.AsyncNetworkStream, proxy: httpx.Proxy, there: str) -> httpcore.AsyncNetworkStream:
    """Ask a proxy for a connection to somebody (RFC 9110, 9.3.6)."""
    url = httpcore.URL(scheme=b"http", host=proxy.url.raw_host, port=proxy.url.port or 80, target=there)
    request = httpx.Request("CONNECT", str(proxy.url), headers={"Host": there})
    if proxy.raw_auth is not None:
        request = next(httpx.BasicAuth(*proxy.raw_auth).auth_flow(request))
    fields = [
        (b"Proxy-Authorization" if name.lower() == b"authorization" else name, value)
        for name, value in request.headers.raw
    ]
    connection = httpcore.AsyncHTTP11Connection(origin=url.origin, stream=stream)
    response = await connection.handle_async_request(httpcore.Request("CONNECT", url, headers=fields))
    if not 200 <= response.status < 300:
        await connection.aclose()
        raise httpcore.ProxyError(str(response.status))
    tunnelled: httpcore.AsyncNetworkStream = response.extensions["network_stream"]
    return tunnelled
