"""How a request proves whose it is, by its header fields and its query: as a profile says it.

Must not know what the credential is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamvet.observing.question import is_secret

if TYPE_CHECKING:
    from streamvet.observing.question import Question


@dataclass(frozen=True, slots=True)
class Access:
    """`auth` of a profile, with a comment; the header fields besides."""

    auth: dict[str, Any]
    headers: tuple[tuple[str, str], ...]
    note: str


def access_of(question: Question | None) -> Access:
    """The access of a request; of none that nobody asks for credentials."""
    if question is None:
        return Access({"kind": "none"}, (), "DECIDE: bearer, basic, header, cookie or query")
    for name, value in question.headers:
        rest = tuple(one for one in question.headers if one[0] != name)
        lower, scheme = name.lower(), value.partition(" ")[0].lower()
        if lower == "authorization" and scheme in ("bearer", "basic"):
            return Access({"kind": scheme}, rest, "SEEN in your request. DECIDE: the refusals")
        if lower == "cookie":
            cookie = value.partition("=")[0].strip()
            auth = {"kind": "cookie", "parameter": cookie}
            return Access(auth, rest, "SEEN in your request. DECIDE: the refusals")
        if is_secret(name):
            auth = {"kind": "header", "parameter": name}
            return Access(auth, rest, "SEEN in your request. DECIDE: the refusals")
    parameter = question.credential_parameter
    if parameter is not None:
        auth = {"kind": "query", "parameter": parameter}
        return Access(auth, question.headers, "SEEN in your request. DECIDE: the refusals")
    return Access({"kind": "none"}, question.headers, "SEEN: it was answered without credentials")
