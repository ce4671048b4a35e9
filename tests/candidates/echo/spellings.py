"""A secret in some forty spellings, each by its name. Must not know who looks for them."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

SECRET = 'Pa55 word/of+"ours"&öé'
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJlLW9mLW91cnM"


def _each_percent(text: str, form: str) -> str:
    return "".join(f"%{byte:{form}}" for byte in text.encode())


def _every_other(text: str, form: str) -> str:
    return "".join(one if index % 2 or not one.isascii() else form.format(ord(one)) for index, one in enumerate(text))


def _units(text: str, form: str = "04x") -> str:
    data = text.encode("utf-16-be")
    return "".join(f"\\u{int.from_bytes(data[at : at + 2]):{form}}" for at in range(0, len(data), 2))


def _base64(text: str, before: bytes = b"", behind: bytes = b"", *, url: bool = False) -> str:
    return (base64.urlsafe_b64encode if url else base64.b64encode)(before + text.encode() + behind).decode()


def _quote(text: str) -> str:
    return json.dumps(text)[1:-1]


SPELLINGS: dict[str, str] = {
    "as it is": SECRET,
    "in small letters": SECRET.lower(),
    "in capitals": SECRET.upper(),
    "with cases swapped": SECRET.swapcase(),
    "in a path": quote(SECRET),
    "in a path, all of it": quote(SECRET, safe=""),
    "in a form": quote_plus(SECRET),
    "each byte as %xx": _each_percent(SECRET, "02x"),
    "each byte as %XX": _each_percent(SECRET, "02X"),
    "every other byte as %xx": _every_other(SECRET, "%{:02x}"),
    "every other byte as %XX": _every_other(SECRET, "%{:02X}"),
    "%xx twice": quote(quote(SECRET, safe=""), safe=""),
    "%xx three times": quote(quote(quote(SECRET, safe=""), safe=""), safe=""),
    "%xx in small letters": quote(SECRET, safe="").lower(),
    "with + for spaces": SECRET.replace(" ", "+"),
    "in JSON": _quote(SECRET),
    "in JSON with its own characters": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "in JSON with \\/": _quote(SECRET).replace("/", "\\/"),
    "as \\uxxxx": _units(SECRET),
    "as \\uXXXX": _units(SECRET, "04X"),
    "every other character as \\uxxxx": _every_other(SECRET, "\\u{:04x}"),
    "in JSON in JSON": _quote(_quote(SECRET)),
    "\\uxxxx in JSON": _units(SECRET).replace("\\", "\\\\"),
    "in JSON in a URL": quote(_quote(SECRET), safe=""),
    "in HTML": html.escape(SECRET),
    "as &#n;": "".join(f"&#{ord(one)};" for one in SECRET),
    "as &#xn;": "".join(f"&#x{ord(one):x};" for one in SECRET),
    "in base64": _base64(SECRET),
    "in base64 behind one byte": _base64(SECRET, b":", b"?"),
    "in base64 behind two bytes": _base64(SECRET, b"a:", b"??"),
    "in base64 behind a name": _base64(SECRET, b"somebody:"),
    "in base64url": _base64(SECRET, url=True),
    "in base64url behind one byte": _base64(SECRET, b"?", b"?", url=True),
    "in base64url behind two bytes": _base64(SECRET, b"??", url=True),
    "in base64 without padding": _base64(SECRET).rstrip("="),
    "in base64 in a URL": quote(_base64(SECRET, b"ab"), safe=""),
    "in hex": SECRET.encode().hex(),
    "in HEX": SECRET.encode().hex().upper(),
    "a JWT": JWT,
    "the payload of a JWT": JWT.split(".")[1],
    "the signature of a JWT": JWT.split(".")[2],
    "a JWT in base64": _base64(JWT, b"x"),
    "a JWT, escaped": _every_other(JWT, "%{:02X}"),
}
