"""Dresses a request of the profile as an account, sends it, and says in the trace whose it was.

Must not know what a request is for.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from streamvet.contract.fitting.misfit import names_in, request_of
from streamvet.probes import credentials
from streamvet.recorder import Ask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamvet.contract.profile import Operation
    from streamvet.probes.candidate import Candidate
    from streamvet.recorder import CutPlan, Live, Tape

# What a request takes (RFC 9110, 12.5.3): no coding, what browsers ask for, or every one but gzip, which a server that
# looks for the name alone takes for the contrary.
IDENTITY, BROWSERS, NO_GZIP = "identity", "gzip, deflate, br, zstd", "gzip;q=0"
_SCHEMES, _SHOWN_URL_CHARS = ("http://", "https://"), 60
_FORM = "application/x-www-form-urlencoded"
# A surrogate that stands alone, which JSON can spell and no URL can hold, is written all the same: what would have been
# asked for is shown in the trace, and is not sent.
_PASSED = "surrogatepass"
_SURROGATE = re.compile("[\ud800-\udfff]")

# A body above this size is kept by its beginning only: a script stands in the trace's stimulus, and nobody looks into a
# push that is too large.
_SHOWN_BODY_BYTES, _SHOWN_HEAD_BYTES = 64 * 1024, 100


class Sender:
    """Requests of one try. `answer_s`: how long to wait for the head of an answer."""

    def __init__(self, candidate: Candidate, tape: Tape, answer_s: float) -> None:
        self._candidate = candidate
        self._profile = candidate.profile
        self._tape = tape
        self._answer_s = answer_s
        self._restarts = candidate.restarts  # of tries before this one

    async def send(
        self, operation: Operation, role: str, about: dict[str, Any], *, account: str = "primary", run_id: str = "",
        query: Mapping[str, str] | None = None, headers: tuple[tuple[str, str], ...] = (), body: bytes | None = None,
        values: Mapping[str, str] | None = None, accept: str | None = None, path: str | None = None,
        cut: CutPlan | None = None, stalls: bool = False, coding: str = IDENTITY, hindrance: str = "",
    ) -> Live:  # fmt: skip
        """One request of the profile, as an account; it is not sent where there is a `hindrance`.

        It goes to the process of the candidate that `about` names as its `replica`, else to the first one.

        `values` stand for the names in braces in its path, query, header fields and body; `run_id` for `{run}`. A
        `body` is sent as it stands, in place of the operation's own; `coding` is the value of Accept-Encoding.
        """
        own = {"new": uuid.uuid4().hex, **await self.taken(operation, account), **(values or {})}
        known = {"run": run_id, **own}
        hindrance = hindrance or self._not_given(operation, own)
        dress, parameters = credentials.dressed(self._profile, operation, await self._credential(account))
        media = ", ".join(self._profile.media_types) if operation.streams else "application/json"
        fields = {"Accept": media, "Accept-Encoding": coding}
        fields |= credentials.filled(operation.headers, known)
        fields |= {"Accept": accept} if accept else {}
        if body is None and operation.body is not None:
            body = json.dumps(credentials.filled(operation.body, known), ensure_ascii=False).encode(errors=_PASSED)
        elif body is not None and self._profile.fills(operation):
            body = _filled_bytes(body, own)
        if body is not None and not any(name.lower() == "content-type" for name in fields):
            fields["Content-Type"] = "application/json"
        if body is not None and operation.form:
            body = _as_form(body)
            fields |= {"Content-Type": _FORM} if body[:1] not in b"{[" else {}
        quoted = {name: quote(one, safe="", errors=_PASSED) for name, one in known.items()}
        given = _given_url(path or operation.path, known)
        elsewhere = given if given and given.startswith(_SCHEMES) else ""
        if elsewhere and not _is_at(elsewhere, self._candidate.target.base_url):
            dress, parameters = [], {}  # nobody else is shown whose request it is
        here = credentials.filled(path or operation.path, quoted) if given is None else ""
        hindrance = hindrance or ("" if given is None or elsewhere else f"{given[:_SHOWN_URL_CHARS]!r} is no URL")
        url = elsewhere or self._candidate.url(here, replica=about.get("replica", 1))
        whole = {**credentials.filled(operation.query, known), **(query or {}), **parameters}
        url += ("&" if "?" in url else "?") + urlencode(whole, errors=_PASSED) if whole else ""
        about = {"meant": "answer", "account": account} | about
        about |= {"over": list(operation.raw["over"])} if "over" in operation.raw else {}
        if self._candidate.restarts > self._restarts:
            about["restarts"] = self._candidate.restarts - self._restarts
        unsendable = hindrance or _unsendable((*known.values(), *parameters.values(), *(value for _, value in dress)))
        ask = Ask(
            operation.name, role, operation.method, url, (*fields.items(), *headers, *dress), body, about, cut, stalls,
            self._answer_s, not operation.streams, brief(body), unsendable,
        )  # fmt: skip
        return self._tape.send(ask)

    def _not_given(self, operation: Operation, given: Mapping[str, str]) -> str:
        """Which names of a request set-up requests should have filled and have not, "" where that is none."""
        taken = {name for one in self._profile.setups for name in one.raw.get("take", ())}
        lacking = sorted((taken - given.keys()) & names_in(request_of(operation))) if taken else []
        return f"no set-up request gave {' or '.join(lacking)}" if lacking else ""

    async def taken(self, operation: Operation, account: str) -> Mapping[str, str]:
        """The names that the profile's set-up requests fill in a request, as this account."""
        if operation.name not in self._profile.operations or operation.name.startswith("setup:"):
            return {}

        async def ask(one: Operation, values: Mapping[str, str]) -> Live:
            live = await self.send(one, "setup", {"meant": "answer"}, account=owner, values=values)
            await live.ended(self._answer_s)
            return live

        owner = "other" if account == "other" else "primary"
        return await self._candidate.taken.of(owner, self._candidate, ask)

    async def _credential(self, account: str) -> Mapping[str, str]:
        if account in ("primary", "other", "expired"):
            return await self._candidate.credential(account, self._tape)
        if account == "malformed":
            return credentials.malformed(self._profile)
        if account == "missing":
            return {}
        right = await self._candidate.credential("primary", self._tape)
        wrong = credentials.altered(account, right)
        self._candidate.recorder.secrets.add(*wrong.values())
        return wrong


def _given_url(path: str, values: Mapping[str, str]) -> str | None:
    """The value that is to be a URL, where a path is nothing but its name in braces; None where it is a path."""
    return values.get(path[1:-1], "") if path.startswith("{") and path.endswith("}") else None


def _is_at(url: str, base_url: str) -> bool:
    """Whether a URL has the origin of another one."""
    return urlsplit(url)[:2] == urlsplit(base_url)[:2]


def _filled_bytes(body: bytes, values: Mapping[str, str]) -> bytes:
    """A body in JSON in which `{name}` stands for values; one that is no JSON as well, as it is to be refused."""
    for name, value in values.items():
        body = body.replace(f"{{{name}}}".encode(), json.dumps(value, ensure_ascii=False)[1:-1].encode(errors=_PASSED))
    return body


def _as_form(body: bytes) -> bytes:
    """An object in JSON as the fields of a form; anything else, which is to be refused, as it is."""
    try:
        fields = json.loads(body)
    except ValueError:
        return body
    if not isinstance(fields, dict):
        return body
    return urlencode({name: one if isinstance(one, str) else json.dumps(one) for name, one in fields.items()}).encode()


def _unsendable(values: Iterable[str]) -> str:
    """Why no request can hold these values, "" where one can."""
    return "a text with half a UTF-16 pair" if any(map(_SURROGATE.search, values)) else ""


def brief(body: bytes | None) -> str | None:
    """The beginning of a body that is too large for a trace, None where it is not."""
    if body is None or len(body) <= _SHOWN_BODY_BYTES:
        return None
    return f"{body[:_SHOWN_HEAD_BYTES].decode(errors='replace')}…"
