"""Who issued a certificate, read from its DER bytes: for a message, so no signature and no date is looked at.

A library of certificates weighs more than the rest of the suite. Must not know why somebody wants to know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSION, _STRINGS = 0xA0, {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1E: "utf-16-be"}
# RFC 4514, 3, and the two more that certificates often have; anything else is its number.
_NAMES = {
    b"\x55\x04\x03": "CN", b"\x55\x04\x06": "C", b"\x55\x04\x07": "L", b"\x55\x04\x08": "ST", b"\x55\x04\x0a": "O",
    b"\x55\x04\x0b": "OU", b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19": "DC",
}  # fmt: skip


def issuer_of(der: bytes) -> str:
    """The issuer as RFC 4514 writes it, the last part first: `CN=an authority,O=somebody`; "" where it has none."""
    try:
        (_, certificate), *_ = _parts(der)
        (_, signed), *_ = _parts(certificate)
        fields = list(_parts(signed))
        serial = 1 if fields[0][0] == _VERSION else 0
        _, issuer = fields[serial + 2]  # behind the serial number and the algorithm
        return ",".join(reversed([_attribute(one) for _, one in _parts(issuer)]))
    except (IndexError, ValueError):
        return ""


def _attribute(relative: bytes) -> str:
    """A part of a name: mostly one attribute, a few of them joined by a plus."""
    found = []
    for _, pair in _parts(relative):
        (_, kind), (tag, value) = _parts(pair)
        text = value.decode(_STRINGS.get(tag, "latin-1"), "replace")
        found.append(f"{_NAMES.get(kind, kind.hex())}={_escaped(text)}")
    return "+".join(found)


def _escaped(text: str) -> str:
    """RFC 4514, 2.4."""
    quoted = "".join(f"\\{one}" if one in ',+"\\<>;' else one for one in text)
    return f"\\{quoted}" if quoted[:1] in {"#", " "} else quoted


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The values that stand one after the other: the tag and the content of each (X.690, 8.1)."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        yield tag, data[at : at + length]
        at += length
