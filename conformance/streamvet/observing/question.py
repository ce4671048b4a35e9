"""What a stranger asks for: an address, and the request that goes there. Checked before anything is sent.

Must not know what comes back.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from streamvet.contract.files import FileError, cut

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")  # as in an operation of a profile
# What an EventSource asks for, then the other framing, then whatever there is.
ACCEPT = "text/event-stream, application/x-ndjson;q=0.9, */*;q=0.5"
_SECRET = re.compile(r"token|secret|passw|pwd|key|auth|cookie|credential|session|jwt|sig", re.IGNORECASE)
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
# What tells how the message travels: somebody else's value would change what is observed.
_OURS = frozenset({
    "accept-encoding", "connection", "content-length", "expect", "host", "last-event-id", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """One request, as the user gave it. `secrets` are the values that nobody else may read."""

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: Any = None
    has_body: bool = False
    secrets: tuple[str, ...] = ()

    @property
    def base(self) -> str:
        """Its URL up to the path."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def path(self) -> str:
        """Its path, as a template of a profile has it: no names in braces."""
        return (urlsplit(self.url).path or "/").replace("{", "%7B").replace("}", "%7D")

    @property
    def query(self) -> dict[str, str]:
        """Its query parameters but for the one that is a credential; of several of one name the last."""
        pairs = parse_qsl(urlsplit(self.url).query, keep_blank_values=True)
        return {name: value for name, value in pairs if name != self.credential_parameter}

    @property
    def credential_parameter(self) -> str | None:
        """The query parameter that is a credential, None where there is none."""
        pairs = parse_qsl(urlsplit(self.url).query)
        return next((name for name, value in pairs if value and is_secret(name)), None)

    @property
    def repeats(self) -> bool:
        """Whether asking again changes nothing (RFC 9110, 9.2.1)."""
        return self.method == "GET"

    def words(self, *, hidden: bool = False) -> list[str]:
        """The arguments with which a command asks the same; with `hidden`, stars in place of secrets."""
        words = [self.shown if hidden else self.url]
        words += ["--method", self.method] if self.method != ("POST" if self.has_body else "GET") else []
        words += ["--json", json.dumps(self.body, ensure_ascii=False)] if self.has_body else []
        fields = ((name, "***" if hidden and is_secret(name) else value) for name, value in self.headers)
        return words + [word for name, value in fields for word in ("--header", f"{name}: {value}")]

    @property
    def shown(self) -> str:
        """Its URL, with stars in place of secrets."""
        parts = urlsplit(self.url)
        pairs = parts.query.split("&") if parts.query else []
        query = (f"{pair.partition('=')[0]}=***" if is_secret(pair.partition("=")[0]) else pair for pair in pairs)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, "&".join(query), ""))


def is_secret(name: str) -> bool:
    """Whether a header field, or a parameter, of that name is a credential."""
    return bool(_SECRET.search(name))


def question_of(url: str, method: str | None, headers: list[str], body: str | None) -> Question:
    """The request that some arguments say.

    Raises:
        FileError: where they say none.
    """
    fields = tuple(map(_field, headers))
    value = None if body is None else _json(body)
    chosen = (method or ("GET" if body is None else "POST")).upper()
    if chosen not in METHODS:
        raise FileError("--method", chosen, f"one of {', '.join(METHODS)}", repr(cut(chosen)))
    query = [value for name, value in parse_qsl(urlsplit(_url(url)).query) if is_secret(name)]
    secrets = [part for name, value in fields if is_secret(name) for part in (value, value.rpartition(" ")[2])]
    return Question(_url(url), chosen, fields, value, body is not None, (*secrets, *query))


def _url(url: str) -> str:
    """The address, without a fragment.

    Raises:
        FileError: where it is none, or has a user and a password.
    """
    wanted = "http:// or https://, a host, and a port from 1 to 65535 where there is one"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError as error:
        raise FileError("URL", "the address", wanted, f"{cut(repr(url))}: {error}") from error
    if parts.scheme not in ("http", "https") or not host or port == 0 or not _is_clean(url):
        raise FileError("URL", "the address", wanted, cut(repr(url)))
    if "@" in parts.netloc:
        raise FileError("URL", "the address", "one without user and password: --header 'Authorization: …'", "them")
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", parts.query, ""))


def _is_clean(text: str) -> bool:
    return text.isprintable() and not any(char.isspace() for char in text)


def _field(text: str) -> tuple[str, str]:
    found = _FIELD.fullmatch(text)
    if found is None or not found[2].isprintable():
        raise FileError("--header", cut(text.partition(":")[0]) or "the field", "Name: value", "something else")
    if found[1].lower() in _OURS:
        raise FileError("--header", found[1], "a field that the suite does not set itself", found[1])
    return found[1], found[2]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileError("--json", "the body", "a JSON text", cut(repr(text))) from error
