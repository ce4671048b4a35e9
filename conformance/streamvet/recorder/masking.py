"""Secrets, and how they are made unreadable in everything that is kept: each letter and digit becomes an `x`.

Length and shape stay, so that byte spans stay right. Must not know where a secret comes from or which message it is in.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

# A shorter secret may be an ordinary word ("demo"). It is masked only where it was sent, and only as a whole word: to
# mask it in every answer would change what the candidate said.
_LONG_CHARS = 8
_PIECE_BYTES = 128 * 1024  # a search for a dozen secrets in so many bytes takes less than a millisecond
_ALNUM = re.compile(rb"[0-9A-Za-z]|[\x80-\xff]")


def _x(spelling: bytes) -> bytes:
    return _ALNUM.sub(b"x", spelling)


class Secrets:
    """Everything that must not be in a trace. Grows while a campaign runs, as logins are answered."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._long: list[tuple[bytes, bytes]] = []  # each spelling, masked; the longest first
        self._short: list[re.Pattern[bytes]] = []

    def add(self, *secrets: str) -> None:
        """Learn secrets; empty texts are ignored."""
        fresh = {secret for secret in secrets if secret} - self._known
        if not fresh:
            return
        self._known |= fresh
        long = [secret for secret in self._known if len(secret) >= _LONG_CHARS]
        self._long = [(spelling, _x(spelling)) for spelling in _spellings(long)]
        whole = rb"(?<![0-9A-Za-z])%s(?![0-9A-Za-z])"
        self._short = [re.compile(whole % re.escape(one)) for one in _spellings(self._known.difference(long))]

    async def masked(self, body: bytearray) -> bytes:
        """A body as `mask` gives it; a large one is searched in pieces, so that the loop is not held up."""
        longest = max((len(spelling) for spelling, _ in self._long), default=0)
        for start in range(0, len(body), _PIECE_BYTES):
            piece = body[start : start + _PIECE_BYTES + longest]
            if any(spelling in piece for spelling, _ in self._long):
                return self.mask(bytes(body))
            if len(body) > _PIECE_BYTES:
                await asyncio.sleep(0)
        return bytes(body)

    def mask(self, data: bytes, *, ours: bool = False) -> bytes:
        """The same bytes, as long, without secrets. `ours`: we sent them, so short secrets are masked too."""
        for spelling, masked in self._long:  # one search each: an alternation takes a hundred times as long
            data = data.replace(spelling, masked)
        if ours:
            for pattern in self._short:
                data = pattern.sub(lambda found: _x(found.group()), data)
        return data

    def mask_text(self, text: str, *, ours: bool = False) -> str:
        """The same for text; one character stays one where it is ASCII."""
        return self.mask(text.encode("utf-8", "surrogatepass"), ours=ours).decode("utf-8", "replace")


def _spellings(secrets: Iterable[str]) -> list[bytes]:
    """Each secret as it stands, in a URL and in JSON; the longest first, as one may contain another."""
    spelled: set[str] = set()
    for secret in secrets:
        spelled |= {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
        spelled |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return [one.encode("utf-8", "surrogatepass") for one in sorted(spelled, key=lambda one: (-len(one), one))]
