"""Credentials, right and wrong: how each account's request is dressed.

Must not know sockets or which probe asks. A forged token is a right one with its tail changed.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamvet.contract.profile import Operation, Profile

MALFORMED = "not-a-credential"
_TAIL_CHARS = 6  # more than one: the last character of a base64url signature has bits that do not count


def dressed(
    profile: Profile, operation: Operation, credential: Mapping[str, str]
) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Header fields and query parameters that carry `credential`: `{token: …}`, `{cookie: …}`, or nothing."""
    if "cookie" in credential:
        return [("Cookie", credential["cookie"])], {}
    token = credential.get("token")
    kind = profile.field("auth.kind") or "none"
    if token is None or kind == "none":
        return [], {}
    if kind == "query" and not operation.bearer:
        return [], {str(profile.field("auth.parameter") or "token"): token}
    if kind == "cookie" and not operation.bearer:
        return [("Cookie", f"{profile.field('auth.parameter')}={token}")], {}
    if kind == "header" and not operation.bearer:
        return [(str(profile.field("auth.parameter")), token)], {}
    if kind == "basic" and not operation.bearer:  # RFC 7617, 2
        return [("Authorization", f"Basic {base64.b64encode(token.encode()).decode()}".strip())], {}
    return [("Authorization", f"Bearer {token}".strip())], {}


def forged(credential: Mapping[str, str]) -> dict[str, str]:
    """The same credential with its last characters changed."""
    return {
        key: _in_each(value, _other_tail) if key == "cookie" else _other_tail(value)
        for key, value in credential.items()
    }


# Credentials that nearly fit: what each is made of a right value. Four characters of Base64 are three octets more,
# however lenient its reader is; one character less is an octet less.
NEARLY: Mapping[str, Callable[[str], str]] = {
    "shortened": lambda value: value[:-1],
    "lengthened": lambda value: f"{value}AAAA",
    "halved": lambda value: value[: len(value) // 2],
    "empty": lambda _value: "",
}


def nearly(how: str, credential: Mapping[str, str]) -> dict[str, str]:
    """The same credential with its value, of a cookie each value, made otherwise as `NEARLY` says."""
    make = NEARLY[how]
    return {key: _in_each(value, make) if key == "cookie" else make(value) for key, value in credential.items()}


def _in_each(field: str, make: Callable[[str], str]) -> str:
    """A field `Cookie` with each of its values made otherwise."""
    pairs = (pair.strip().partition("=") for pair in field.split(";"))
    return "; ".join(f"{name}{equals}{make(value)}" for name, equals, value in pairs)


def bare(credential: Mapping[str, str]) -> dict[str, str] | None:
    """The same token with an empty signature; None where it is no JWT."""
    parts = credential.get("token", "").split(".")
    return {"token": f"{parts[0]}.{parts[1]}."} if len(parts) == 3 else None


def unsigned(credential: Mapping[str, str]) -> dict[str, str] | None:
    """The same claims under `alg: none`, without a signature; None where the token is no JWT."""
    parts = credential.get("token", "").split(".")
    if len(parts) != 3:
        return None
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return {"token": f"{header}.{parts[1]}."}


def altered(account: str, right: Mapping[str, str]) -> dict[str, str]:
    """What somebody shows who has made it of right credentials; nothing where that cannot be."""
    if account in NEARLY:
        return nearly(account, right)
    makers = {"forged": forged, "unsigned": unsigned, "bare": bare}
    return makers[account](right) or {}


def malformed(profile: Profile) -> dict[str, str]:
    """What no candidate can have given out."""
    if profile.field("auth.kind") == "cookie":
        return {"cookie": f"{profile.field('auth.parameter')}={MALFORMED}"}
    return {"token": MALFORMED}


def other_id(run_id: str) -> str:
    """An id of the same shape that names no run."""
    # Next to a counter's value is another run; so far from it is none.
    return "9" * max(len(run_id), 15) if run_id.isdigit() else _other_tail(run_id)


def _other_tail(text: str) -> str:
    head, tail = text[:-_TAIL_CHARS], text[-_TAIL_CHARS:]
    return head + "".join(map(_other_character, tail))


def _other_character(char: str) -> str:
    """A different one of the same kind, so that the shape stays: hexadecimal stays hexadecimal."""
    for alphabet in ("0123456789", "abcdef", "ABCDEF", "ghijklmnopqrstuvwxyz", "GHIJKLMNOPQRSTUVWXYZ"):
        if char in alphabet:
            return alphabet[(alphabet.index(char) + 1) % len(alphabet)]
    return char


def filled(template: Any, values: Mapping[str, str]) -> Any:
    """A template, such as a body, with `{name}` replaced by values in every text of it."""
    if isinstance(template, dict):
        return {key: filled(one, values) for key, one in template.items()}
    if isinstance(template, list):
        return [filled(one, values) for one in template]
    if isinstance(template, str):
        for name, value in values.items():
            template = template.replace("{" + name + "}", value)
    return template
