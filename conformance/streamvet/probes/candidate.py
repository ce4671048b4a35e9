"""The candidate as all tries share it: tokens, scripts at its control interface, its process, the starts that are left.

Must not know stimuli, or what a try is about.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from streamvet.contract.files import cut, meta_validator, mismatch
from streamvet.contract.profile import pointed
from streamvet.masking import EVERYWHERE, veiled
from streamvet.probes.bounds import answer_s
from streamvet.probes.credentials import filled
from streamvet.probes.identity import Taken
from streamvet.probes.preparing import prepare
from streamvet.probes.process import CandidateProcess
from streamvet.probes.sender import brief
from streamvet.recorder import Ask, Patience, Tape, explained
from streamvet.trace import CLEAN, Ending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.contract.profile import Operation, Profile
    from streamvet.contract.target import Target
    from streamvet.recorder import Live, Recorder

_JSON = (("Content-Type", "application/json"), ("Accept", "application/json"), ("Accept-Encoding", "identity"))
# A login that fails is tried again by the next tries, but not by all: a server may lock the account.
_LOGINS = 3
_LOOKS = {
    Ending.TIMED_OUT: "it accepts connections and does not answer",
    Ending.TRUNCATED: "it closes connections without an answer",
}
_UP_S = 2.0  # one look at whether the candidate answers


class Candidate:
    """One candidate. `tape` arguments say in which try a request is recorded."""

    def __init__(self, target: Target, profile: Profile, scale: float, recorder: Recorder) -> None:
        self.target = target
        self.profile = profile
        self.scale = scale
        self.recorder = recorder
        self.restarts = 0
        self.last_look = ""  # what it answered when it was last asked whether it is up
        self._is_silent = False  # it accepted a connection, and nothing more
        self.silence = asyncio.Event()  # nobody makes anything happen on an ambient stream any more
        self.last_word = asyncio.Event()  # nor does the watch for its heartbeats
        self.starts_left = target.max_starts
        self._is_up = True  # again, after it was killed
        self.endings = Patience()  # with runs of which nobody knows how long they take
        self.scripted = Patience()  # with runs that perform a script
        self.closes = Patience()  # with streams of runs that are over
        self.shows = Patience()  # with runs that show nothing
        self.process = CandidateProcess(target.launch, target.file) if target.launch else None
        self.taken = Taken(profile.setups)
        self._credentials: dict[str, dict[str, str]] = {}
        self._scripts: dict[bytes, str] = {}  # by the request that sent it
        self._failed_logins: Counter[str] = Counter()
        self._locks: dict[str | bytes, asyncio.Lock] = {}
        self._learn_secrets()

    def _learn_secrets(self) -> None:
        """Every value of the credentials but those that name somebody."""
        login = self.profile.operations.get("login")
        self.recorder.secrets.add(*self.target.secrets)
        for given in (self.target.credentials, self.target.other_credentials, self.target.expired_credentials):
            for key, value in (given or {}).items():
                if key == "cookie":
                    self.recorder.secrets.add(*_cookie_values(value))
                elif key == "token" or login is None or "pass" in key or "secret" in key or "key" in key:
                    self.recorder.secrets.add(value)

    def url(self, path: str, query: Mapping[str, str] | None = None, replica: int = 1) -> str:
        """The URL of a path of the profile, at one of the candidate's processes: 1 is the first one."""
        return (
            (self.target.base_url, *self.target.replicas)[replica - 1]
            + path
            + (f"?{urlencode(query)}" if query else "")
        )

    # ------------------------------------------------------------------ accounts

    def given(self, account: str) -> Mapping[str, str] | None:
        """What the target file has for an account."""
        return {
            "primary": self.target.credentials,
            "other": self.target.other_credentials,
            "expired": self.target.expired_credentials,
        }.get(account)

    async def credential(self, account: str, tape: Tape) -> dict[str, str]:
        """What to send as this account: `{token}` or `{cookie}`; {} where a login fails or there is no account."""
        async with self._locks.setdefault(account, asyncio.Lock()):
            given = self.given(account)
            if account not in self._credentials and given and self._failed_logins[account] < _LOGINS:
                needs_login = not {"token", "cookie"} & given.keys()
                found = await self.login(given, account, tape) if needs_login else dict(given)
                if not found:
                    return {}
                self._credentials[account] = found
            return self._credentials.get(account, {})

    @property
    def is_closed(self) -> bool:
        """Whether logins as the first account are given up."""
        return self._failed_logins["primary"] >= _LOGINS

    async def login(self, fields: Mapping[str, str], account: str, tape: Tape) -> dict[str, str]:
        """Log in; gives `{token}` or `{cookie}`, {} where that fails."""
        operation = self.profile.operations["login"]
        body = json.dumps(filled(operation.body, fields)).encode()
        about = {"meant": "answer", "account": account}
        url = self.url(operation.path, operation.query)
        headers = (*_JSON, *operation.headers.items())
        ask = Ask(
            "login", "login", operation.method, url, headers, body, about, answer_s=self._answer_s, whole=True
        )  # fmt: skip
        live = tape.send(ask)
        await live.ended(self._answer_s)
        found = self._granted(live, operation)
        # A server that is down locks no account; one that lets us wait is not asked again and again.
        if not found and (live.head_now or live.ending is Ending.TIMED_OUT):
            self._failed_logins[account] += 1
        return found

    def _granted(self, live: Live, operation: Operation) -> dict[str, str]:
        """What the answer to a login gives."""
        if live.head_now is None or live.head_now.status not in operation.status:
            return {}
        cookies = [value.partition(";")[0].strip() for value in live.head_now.all("set-cookie")]
        self.recorder.secrets.add(*(cookie.partition("=")[2] for cookie in cookies))
        pointer = operation.raw.get("token")
        token = pointed(live.json(), pointer) if pointer else None
        if isinstance(token, str) and token:
            self.recorder.secrets.add(token)
            return {"token": token}
        return {"cookie": "; ".join(cookies)} if cookies else {}

    @property
    def _answer_s(self) -> float:
        return answer_s(scripted=False)  # a password is hashed, and nothing else is tried without it

    # ------------------------------------------------------------------ control

    async def control(self, document: Mapping[str, Any], tape: Tape, **about: Any) -> Live:
        """Speak to the control interface; the exchange has ended."""
        return await self._control(_json(document), tape, **about)

    async def _control(self, body: bytes, tape: Tape, **about: Any) -> Live:
        url = self.url(self.target.control or "/")
        within_s = answer_s(scripted=True)
        live = tape.send(
            Ask(
                "control", "control", "POST", url, _JSON, body, {"meant": "answer", **about}, answer_s=within_s,
                whole=True, shown_body=brief(body),
            )
        )  # fmt: skip
        await live.ended(within_s)
        return live

    async def script(self, steps: list[Any], outcome: str, tape: Tape) -> str | None:
        """The id of a script, which is sent once; None where the candidate does not take it."""
        body = _json({"do": "script", "outcome": outcome, "steps": steps})
        async with self._locks.setdefault(body, asyncio.Lock()):
            if body not in self._scripts:
                live = await self._control(body, tape)
                wrong = wrong_answer(live, 201, "ScriptAnswer")
                if wrong:
                    live.about["hindrance"] = f"the control interface does not take a script: {wrong}"
                    return None
                self._scripts[body] = live.json()["script"]
            return self._scripts[body]

    # ------------------------------------------------------------------ its process

    async def answers(self) -> bool:
        """Whether anything answers at its address."""
        tape = Tape(self.recorder)
        path = self.target.launch.ready_path if self.target.launch else "/"
        live = tape.send(Ask("ready", "control", "GET", self.url(path)))
        head = await live.head(_UP_S)
        await live.cut("it answers")
        self.last_look = (
            f"{path} is answered {head.status}" if head else _LOOKS.get(live.ending or Ending.CUT, live.detail)
        )
        self._is_silent = live.ending is Ending.TIMED_OUT
        if self.target.launch:
            return head is not None and head.status < 500
        return head is not None or live.ending in CLEAN

    async def why_not(self) -> str:
        """What was seen when it was last asked whether it is up, with what a look at TLS adds to that."""
        if self._is_silent:
            return self.last_look
        return await explained(self.target.route, self.target.base_url, self.last_look)

    async def launch(self) -> bool:
        """Start its process, where that is ours; gives whether it is up."""
        return self.process is None or await self.process.start(self.answers)

    def ask_to_stop(self) -> None:
        """Ask its process to end, without waiting for that."""
        if self.process is not None:
            self.process.ask_to_stop()

    async def restart_after_kill(self) -> bool:
        """Kill it without warning, where it still lives, then start it again; gives whether it is up."""
        if self.process is None:
            return False
        await self.process.kill()
        self.restarts += 1
        self._scripts.clear()
        self._credentials.clear()
        self.taken.forget()
        self._failed_logins.clear()
        return await self._prepared(await self.process.start(self.answers))

    async def is_up(self) -> bool:
        """Whether its process is up again after a kill, by a second wait where the first one was in vain."""
        if self.process is not None and not self._is_up:
            return await self._prepared(await self.process.comes_up())
        return self._is_up

    async def _prepared(self, up: bool) -> bool:
        self._is_up = up and await prepare(self, again=True) is None
        return self._is_up

    def take_start(self) -> bool:
        """Whether one more run may be started; counts it."""
        if self.starts_left is None:
            return True
        self.starts_left -= 1
        return self.starts_left >= 0


def wrong_answer(live: Live, status: int, kind: str) -> str:
    """What is wrong with an answer of the control interface, "" where it is of this kind."""
    if live.head_now is None:
        return "no answer"
    if live.head_now.status != status:
        body = veiled(bytes(live.body).decode("utf-8", "replace"))  # before it is cut: half a secret is one, too
        return f"status {live.head_now.status}: {cut(body) or 'an empty body'}"
    found = mismatch(meta_validator("control", kind), EVERYWHERE.mask_value(live.json()))
    return "{} in its answer: expected {}, got {}".format(found[0] or "the whole", *found[1:]) if found else ""


def _cookie_values(field: str) -> list[str]:
    """The values in a field `Cookie`, without quotes."""
    return [pair.partition("=")[2].strip().strip('"') for pair in field.split(";")]


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
