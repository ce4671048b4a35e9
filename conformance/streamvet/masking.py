"""Secrets, and how they are made unreadable in everything that is kept or printed: letters and digits become an `x`.

Length and shape stay, so that byte spans stay right, and JSON stays JSON. Must not know where a secret comes from or
which message it is in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streamvet.spelling import ESCAPE, is_plain, packings, read, readings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# A shorter secret may be an ordinary word ("demo"). It is masked only where it was sent, and only as a whole word: to
# mask it in every answer would change what the candidate said.
LONG_CHARS = 8
# A part of a JWT of fewer characters says nothing. So does one of a long secret in base64 of which little is its own.
_PART_CHARS = 8
# A search for a dozen secrets, with some ten spellings each, in so many bytes takes about a millisecond.
_PIECE_BYTES = 32 * 1024
_ESCAPED_BYTES = 12  # of one byte, at most, as far as pieces of a large body overlap: \\u0041 in JSON in a URL
_MASKED = re.compile(rb"(?P<escape>" + ESCAPE.pattern + rb")|[0-9A-Za-z]|[\x80-\xff]", re.IGNORECASE)
_HEX = re.compile(rb"[0-9A-Fa-f]+")

_Span = tuple[int, int]


class Secrets:
    """Everything that must not be in a trace. Grows while a campaign runs, as logins are answered.

    What one of them learns, `EVERYWHERE` knows too: what leaves the process is masked by that.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._long: tuple[bytes, ...] = ()  # readings, the longest first, as one may contain another
        self._short: tuple[bytes, ...] = ()
        self._least = 0  # bytes of the shortest reading, 0 without any; no text is shorter than its reading
        self._overlap = 0
        self._plain = True

    def add(self, *secrets: str) -> None:
        """Learn secrets; empty texts are ignored."""
        fresh = {secret for secret in secrets if secret} - self._known
        if not fresh:
            return
        self._known |= fresh
        long = {secret for secret in self._known if len(secret) >= LONG_CHARS}
        self._long = _by_length(one for secret in long for one in _looked_for(secret))
        self._short = _by_length(one for secret in self._known - long for one in readings(secret))
        self._least = min(map(len, (*self._long, *self._short)), default=0)
        self._overlap = _ESCAPED_BYTES * max(map(len, self._long), default=0)
        self._plain = all(map(is_plain, (*self._long, *self._short)))
        if self is not EVERYWHERE:
            EVERYWHERE.add(*fresh)

    async def masked(self, body: bytearray) -> bytes:
        """A body as `mask` gives it; a large one is searched in pieces, so that the loop is not held up."""
        spans: list[_Span] = []
        for start in range(0, len(body), _PIECE_BYTES):
            piece = bytes(body[start : start + _PIECE_BYTES + self._overlap])
            spans += [(start + first, start + end) for first, end in self._found(piece, ours=False)]
            if len(body) > _PIECE_BYTES:
                from asyncio import sleep  # noqa: PLC0415 - a fifth of what `--help` takes; a body that is masked has it

                await sleep(0)
        return _without(bytes(body), spans)

    def mask(self, data: bytes, *, ours: bool = False) -> bytes:
        """The same bytes, as long, without secrets. `ours`: we sent them, so short secrets are masked too."""
        return _without(data, self._found(data, ours=ours))

    def mask_text(self, text: str, *, ours: bool = False) -> str:
        """The same for text; one character stays one where it is ASCII."""
        return self.mask(text.encode("utf-8", "surrogatepass"), ours=ours).decode("utf-8", "replace")

    def mask_value(self, value: object) -> object:
        """The same for each text in a value as JSON has them, names of members too."""
        if isinstance(value, str):
            return self.mask_text(value)
        if isinstance(value, dict):
            return {self.mask_value(key): self.mask_value(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.mask_value(one) for one in value]
        return value

    def _found(self, data: bytes, *, ours: bool) -> list[_Span]:
        """Where secrets are."""
        if not self._least or len(data) < self._least:
            return []
        seen = read(data, plain=self._plain)
        spans = [seen.span(*span) for one in self._long if one in seen.data for span in _places(seen.data, one)]
        if ours:
            short = [one for one in self._short if one in seen.data]
            whole = [span for one in short for span in _places(seen.data, one) if _is_word(seen.data, *span)]
            spans += [seen.span(*span) for span in whole]
        return spans


def _looked_for(secret: str) -> set[bytes]:
    """The readings of a long secret, packed too, and those of its parts where it is a JWT (RFC 7519)."""
    parts = secret.split(".") if secret.count(".") in {2, 4} else ()
    found = readings(secret).union(*(readings(part) for part in parts if len(part) >= _PART_CHARS))
    return found.union(one for one in packings(secret) if len(one) >= _PART_CHARS)


def _by_length(found: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(sorted({one for one in found if one.strip()}, key=lambda one: (-len(one), one)))


def _places(data: bytes, wanted: bytes) -> list[_Span]:
    """Each place of some bytes in others. One search each: an alternation takes a hundred times as long."""
    found, start = list[_Span](), data.find(wanted)
    while start >= 0:
        found.append((start, start + len(wanted)))
        start = data.find(wanted, start + len(wanted))
    return found


def _is_word(data: bytes, start: int, end: int) -> bool:
    """Whether no letter or digit is beside a part of some bytes."""
    return not data[max(start - 1, 0) : start].isalnum() and not data[end : end + 1].isalnum()


def _without(data: bytes, spans: Sequence[_Span]) -> bytes:
    """The same bytes with what is in these spans masked."""
    if not spans:
        return data
    made, end = bytearray(), 0
    for start, stop in sorted(spans):
        if stop <= end:
            continue
        made += data[end:start] if start > end else b""
        made += _x(data[max(start, end) : stop])
        end = stop
    return bytes(made + data[end:])


def _x(secret: bytes) -> bytes:
    """A spelling of a secret, masked; of a number another number, as JSON has no other word with digits alone."""
    letter = b"1" if secret.isdigit() else b"x"

    def masked(found: re.Match[bytes]) -> bytes:
        return _escaped_x(found, letter) if found["escape"] else letter

    return _MASKED.sub(masked, secret)


def _escaped_x(found: re.Match[bytes], letter: bytes) -> bytes:
    """The same escape of our letter; what stands for itself or for a control character stays."""
    escape = found["escape"]
    percent, high, _, unit, byte, _, number, hexadecimal, _ = found.groups()[1:]
    code = letter[0]
    if high:  # two units, of four digits each
        return _HEX_UNIT.sub(lambda one: one[1] + b"%04x" % code, escape)
    for digits, form in ((percent, b"%02x"), (unit, b"%04x"), (byte, b"%02x")):
        if digits:
            return bytes(escape[: -len(digits)]) + form % code
    for digits, written in ((number, b"%d" % code), (hexadecimal, b"%x" % code)):
        if digits and len(digits) >= len(written):
            return bytes(escape[: -len(digits) - 1]) + written.rjust(len(digits), b"0") + b";"
    return bytes(escape)


_HEX_UNIT = re.compile(rb"(\\+u)[0-9a-f]{4}", re.IGNORECASE)


EVERYWHERE = Secrets()


def veiled(text: str) -> str:
    """A text that leaves the process, without the secrets that anything in this process has learnt."""
    return EVERYWHERE.mask_text(text)
