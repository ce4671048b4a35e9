"""The way to the candidate: its address, and what every connection and every request on the way to it has.

Must not know sockets, nor what is asked of the candidate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from streamvet.contract.files import FileError, cut

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from streamvet.contract.profile import Profile

# What the suite says of itself in requests: somebody else's value would change what is tried.
_OURS = frozenset({
    "accept", "accept-encoding", "connection", "content-length", "content-type", "expect", "last-event-id",
    "proxy-authorization", "streamvet-script", "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Route:
    """How requests get to the candidate."""

    headers: tuple[tuple[str, str], ...] = ()  # on every request


DIRECT = Route()


def route_of(raw: Mapping[str, Any], profile: Profile, path: Path) -> Route:
    """The way that a target, of which the shape is right, says.

    Raises:
        FileError: where nobody can go it, or where it gets into the way of what is tried.
    """
    _check_url(raw["base_url"], path)
    headers = raw.get("headers", {})
    for name in headers:
        _check_field(name, profile, path)
    return Route(headers=tuple(headers.items()))


def _check_url(url: str, path: Path) -> None:
    """What no pattern sees of the base URL: a host that can be looked up, a port that there is, no credentials."""
    expected = "http:// or https://, a host, and a port from 1 to 65535 where there is one"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError as error:  # a label that is too long, an address in brackets that is none, …
        raise FileError(path, "/base_url", expected, f"{cut(repr(url))}: {error}") from error
    if "@" in parts.netloc:  # it stands in every report, and in every trace
        raise FileError(
            path, "/base_url", "a URL without user and password, which go into credentials", "one with them"
        )
    if not host or port == 0 or parts.netloc.endswith(":"):
        raise FileError(path, "/base_url", expected, cut(repr(url)))


def _check_field(name: str, profile: Profile, path: Path) -> None:
    """A header field on every request is none by which the suite tries something, credentials among it."""
    own = name.lower()
    carrying = {"none": set[str](), "bearer": {"authorization", "cookie"}}.get(
        profile.field("auth.kind") or "none", {"cookie"}
    )
    bears = any(one.bearer for one in profile.operations.values())
    if own in carrying or (bears and own == "authorization"):
        raise FileError(path, f"/headers/{name}", "a field that carries no credentials: they go into credentials", name)
    if own in _OURS:
        raise FileError(path, f"/headers/{name}", "a field that the suite does not set itself", name)
