"""Credentials, right and wrong: how each account's request is dressed.

Must not know sockets or which probe asks. A forged token is a right one with its tail changed.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    return [("Authorization", f"Bearer {token}")], {}


def forged(credential: Mapping[str, str]) -> dict[str, str]:
    """The same credential with its last characters changed."""
    return {key: _other_tail(value) for key, value in credential.items()}


def unsigned(credential: Mapping[str, str]) -> dict[str, str] | None:
    """The same claims under `alg: none`, without a signature; None where the token is no JWT."""
    parts = credential.get("token", "").split(".")
    if len(parts) != 3:
        return None
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return {"token": f"{header}.{parts[1]}."}


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
