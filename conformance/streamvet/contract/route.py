"""The way to the candidate: its address, and what every connection and every request on the way to it has.

Must not know sockets, nor what is asked of the candidate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from streamvet.contract.files import FileError, cut, is_file, resolved

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from streamvet.contract.profile import Profile

# What the suite says of itself in requests: somebody else's value would change what is tried.
_OURS = frozenset({
    "accept", "accept-encoding", "connection", "content-length", "content-type", "expect", "last-event-id",
    "proxy-authorization", "streamvet-script", "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip


# Linux keeps 108 bytes for the path of a socket, with a NUL at its end (unix(7)); others keep fewer.
_SOCKET_BYTES = 107


@dataclass(frozen=True, slots=True)
class Tls:
    """Whom to trust, and what to show of ourselves. `file` is the target's, for errors."""

    file: Path
    ca: Path | None  # in place of whom the system trusts
    cert: Path | None
    key: Path | None  # None: it is in the file of the certificate
    verify: bool


@dataclass(frozen=True, slots=True)
class Route:
    """How requests get to the candidate."""

    headers: tuple[tuple[str, str], ...] = ()  # on every request
    tls: Tls | None = None
    proxy: str | None = None
    socket: Path | None = None  # of the unix socket on which the candidate listens
    http2: bool = False


DIRECT = Route()


def route_of(raw: Mapping[str, Any], profile: Profile, path: Path) -> Route:
    """The way that a target, of which the shape is right, says.

    Raises:
        FileError: where nobody can go it, or where it gets into the way of what is tried.
    """
    _check_host(raw["base_url"], "/base_url", path)
    if "@" in urlsplit(raw["base_url"]).netloc:  # it stands in every report, and in every trace
        wanted = "a URL without user and password, which go into credentials"
        raise FileError(path, "/base_url", wanted, "one with them")
    _check_replicas(raw, path)
    for name in raw.get("headers", {}):
        _check_field(name, profile, path)
    return way_of(raw, path)


def way_of(raw: Mapping[str, Any], path: Path) -> Route:
    """The same of what holds whatever is asked there.

    Raises:
        FileError: where nobody can go it.
    """
    tls = _tls(raw["tls"], raw["base_url"], path) if "tls" in raw else None
    proxy = raw.get("proxy")
    if proxy is not None:
        _check_host(proxy, "/proxy", path)
    socket = resolved(path).parent / raw["socket"] if "socket" in raw else None
    if socket is not None and len(bytes(socket)) > _SOCKET_BYTES:
        raise FileError(path, "/socket", f"a path of at most {_SOCKET_BYTES} bytes", cut(repr(str(socket))))
    if socket is not None and proxy is not None:
        raise FileError(path, "/socket", "a socket or a proxy", "both")
    http2 = raw.get("http2", False)
    if http2 and proxy is not None and not raw["base_url"].startswith("https://"):
        raise FileError(path, "/http2", "a base_url with https:// behind a proxy, which speaks HTTP/1.1", "http://")
    return Route(tuple(raw.get("headers", {}).items()), tls, proxy, socket, http2)


def _check_replicas(raw: Mapping[str, Any], path: Path) -> None:
    """Each replica is reached as the candidate is: by its scheme, and each by an address of its own."""
    scheme = raw["base_url"].partition("://")[0]
    for index, url in enumerate(raw.get("replicas", ())):
        place = f"/replicas/{index}"
        _check_host(url, place, path)
        if "@" in urlsplit(url).netloc:
            raise FileError(path, place, "a URL without user and password, which go into credentials", "one with them")
        if url.partition("://")[0] != scheme:
            raise FileError(path, place, f"{scheme}://, as in base_url", cut(repr(url)))
    if "replicas" in raw and "socket" in raw:
        raise FileError(path, "/replicas", "a socket or replicas: all would go to the one socket", "both")


def _tls(row: Mapping[str, Any], base_url: str, path: Path) -> Tls:
    """The files of TLS, which are there; nothing of it is said of a connection without."""
    if not base_url.startswith("https://"):
        raise FileError(path, "/tls", "a base_url with https://", cut(repr(base_url)))
    folder = resolved(path).parent
    files = {name: folder / row[name] for name in ("ca", "cert", "key") if name in row}
    for name, file in files.items():
        if not is_file(file):
            raise FileError(path, f"/tls/{name}", "an existing file", cut(repr(row[name])))
    verify = row.get("verify", True)
    if "ca" in files and not verify:
        raise FileError(path, "/tls/ca", "the trusted authorities, or verify: false", "both")
    return Tls(path, files.get("ca"), files.get("cert"), files.get("key"), verify)


def _check_host(url: str, place: str, path: Path) -> None:
    """What no pattern sees of a URL: a host that can be looked up, and a port that there is."""
    expected = "http:// or https://, a host, and a port from 1 to 65535 where there is one"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError as error:  # a label that is too long, an address in brackets that is none, …
        raise FileError(path, place, expected, f"{cut(repr(url))}: {error}") from error
    if not host or port == 0 or parts.netloc.endswith(":"):
        raise FileError(path, place, expected, cut(repr(url)))


def _check_field(name: str, profile: Profile, path: Path) -> None:
    """A header field on every request is none by which the suite tries something, credentials among it."""
    own = name.lower()
    kind = profile.field("auth.kind") or "none"
    carrying = {"none": set[str](), "bearer": {"authorization", "cookie"}, "basic": {"authorization", "cookie"}}.get(
        kind, {"cookie"}
    )
    if kind == "header":
        carrying = carrying | {str(profile.field("auth.parameter")).lower()}
    bears = any(one.bearer for one in profile.operations.values())
    if own in carrying or (bears and own == "authorization"):
        raise FileError(path, f"/headers/{name}", "a field that carries no credentials: they go into credentials", name)
    if own in _OURS:
        raise FileError(path, f"/headers/{name}", "a field that the suite does not set itself", name)
