"""A large body that is sent piece by piece, until it is answered.

RFC 9112, 9.5: who sends a body watches for an answer meanwhile, and stops where there is one. Who goes on is reset by a
server that has refused and closed, and with that loses the answer. Must not know what is sent.
"""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator

LARGE_BYTES = 1024 * 1024  # more than kernels keep of a connection that nobody reads
_PIECE_BYTES = 64 * 1024
# By the names of httpcore's trace extension.
_CONNECTED = ("connection.connect_tcp.complete", "connection.connect_unix_socket.complete")


class Upload(httpx.AsyncByteStream):
    """The body of one request. With TLS an answer is not told from messages of its own: there all of it is sent."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._socket: socket.socket | None = None

    def take_over(self, request: httpx.Request) -> None:
        """Be the body of a request that has it already, with its length."""
        request.stream = self
        if request.url.scheme == "http":
            request.extensions["trace"] = self._traced

    async def _traced(self, name: str, facts: dict[str, Any]) -> None:
        if name in _CONNECTED:
            self._socket = facts["return_value"].get_extra_info("socket")

    def _is_answered(self) -> bool:
        if self._socket is None:
            return False
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), _PIECE_BYTES):
            if self._is_answered():
                raise httpcore.WriteError("answered before all of it was sent")  # then httpcore reads the answer
            yield self._body[start : start + _PIECE_BYTES]
