"""Secrets, and how they are made unreadable in everything that is kept: each letter and digit becomes an `x`.

Length and shape stay, so that byte spans stay right. Must not know where a secret comes from or which message it is in.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

# A shorter secret may be an ordinary word ("demo"). It is masked only where it was sent, and only as a whole word: to
# mask it in every answer would change what the candidate said.
_LONG_CHARS = 8
_ALNUM = re.compile(rb"[0-9A-Za-z]|[\x80-\xff]")


def _masked(found: re.Match[bytes]) -> bytes:
    return _ALNUM.sub(b"x", found.group())


class Secrets:
    """Everything that must not be in a trace. Grows while a campaign runs, as logins are answered."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._long: re.Pattern[bytes] | None = None
        self._any: re.Pattern[bytes] | None = None

    def add(self, *secrets: str) -> None:
        """Learn secrets; empty texts are ignored."""
        fresh = {secret for secret in secrets if secret} - self._known
        if not fresh:
            return
        self._known |= fresh
        long = [secret for secret in self._known if len(secret) >= _LONG_CHARS]
        self._long = _pattern(long, whole=False)
        short = _pattern(self._known - set(long), whole=True)
        parts = [pattern.pattern for pattern in (self._long, short) if pattern]
        self._any = re.compile(b"|".join(parts)) if parts else None

    def mask(self, data: bytes, *, ours: bool = False) -> bytes:
        """The same bytes, as long, without secrets. `ours`: we sent them, so short secrets are masked too."""
        pattern = self._any if ours else self._long
        return pattern.sub(_masked, data) if pattern else data

    def mask_text(self, text: str, *, ours: bool = False) -> str:
        """The same for text; one character stays one where it is ASCII."""
        return self.mask(text.encode("utf-8", "surrogatepass"), ours=ours).decode("utf-8", "replace")


def _pattern(secrets: Iterable[str], *, whole: bool) -> re.Pattern[bytes] | None:
    """What matches any of the secrets as they stand, in a URL and in JSON; the longest first."""
    spelled: set[str] = set()
    for secret in secrets:
        spelled |= {
            secret, quote(secret, safe=""), quote(secret), quote_plus(secret),
            json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1],
        }  # fmt: skip
    if not spelled:
        return None
    words = b"|".join(re.escape(word.encode("utf-8", "surrogatepass")) for word in sorted(spelled, key=lambda w: (-len(w), w)))
    return re.compile(rb"(?<![0-9A-Za-z])(?:" + words + rb")(?![0-9A-Za-z])" if whole else words)
