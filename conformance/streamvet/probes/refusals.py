"""Probes of what must be refused: wrong credentials, foreign and unknown runs, wrong starts, wrong logins.

They perform and record; they judge nothing.
"""

from __future__ import annotations

import asyncio
import copy
import json
from typing import TYPE_CHECKING, Any

from streamvet.contract.profile import pointed
from streamvet.probes import credentials, scripts
from streamvet.probes.reading import steps_of
from streamvet.probes.runs import Run
from streamvet.probes.setting import STEP_MS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamvet.contract.profile import Operation
    from streamvet.probes.driver import Driver
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import Live

_WRONG_PASSWORD = "not the password"  # noqa: S105 - that it is wrong is its purpose
_NOBODY = {"email": "nobody@example.org"}
# What a stream that should have been refused may show before we leave: enough to see that it is one.
_LEAK_S = 0.5


def intruders_stimuli(setting: Setting) -> list[Stimulus]:
    """A run that stays active where it can be cancelled afterwards, else one that ends."""
    existing = setting.target.existing.get("finished")
    if existing and not setting.scripted:
        return [{"name": "intruders", "outcome": None, "script": None, "run_id": existing}]
    outcome = "hangs" if setting.scripted and setting.has("cancel") else "succeeds"
    return [setting.stimulus("intruders", setting.main, outcome, steps_of(setting, setting.main, 3, STEP_MS))]


async def _pretenders(driver: Driver) -> list[str]:
    """Everybody who pretends to be somebody; a token has a signature only where it is a JWT."""
    if driver.profile.field("auth.kind") in (None, "none"):
        return []
    if not await driver.can_be("primary"):  # there is nothing to forge
        return ["missing", "malformed"]
    jwt = ["unsigned", "bare"] if driver.profile.field("auth.jwt") else []
    return ["missing", "malformed", "forged", *jwt, *credentials.NEARLY]


async def outsiders(driver: Driver, stimulus: Stimulus) -> None:
    """Without runs: every account that must not read the stream requests it, by a start where that opens it."""
    await _right_one(driver, stimulus)
    accounts = await _pretenders(driver)
    accounts += ["expired"] if await driver.can_be("expired") else []
    if driver.profile.streams == "ambient" and await driver.can_be("primary"):  # that somebody is let in
        await (await driver.listen()).cut("it is let in")
    for account in accounts:
        if driver.profile.streams == "push":
            body = _json(driver.body_of(stimulus["kind"]))
            await driver.start_refused(f"{account} credentials", body, account=account, role="intruder")
        else:
            await _turn_away(driver, await driver.listen("intruder", account=account, meant="refusal"))


def outsiders_stimuli(setting: Setting) -> list[Stimulus]:
    """Each kind of start, or the one stream."""
    if setting.profile.streams == "push":
        return [_beside_a_right_one(setting, "outsiders", one) for one in setting.starts]
    return [setting.saying("outsiders", [])]


async def intruders(driver: Driver, stimulus: Stimulus) -> None:
    """Each account that must not read a run requests its stream; a second one requests its record and cancels it."""
    run, reader = await _a_run(driver, stimulus)
    if run.id is None:
        return
    if reader is not None and driver.stimulus["script"] is not None:
        await reader.events(1, driver.bounds.answer_s)
    if stimulus.get("outcome") == "hangs":  # what others are refused, before one of them may be let cancel the run
        await driver.record(run, "record-active")
    pretenders = await _pretenders(driver)
    others = [one for one in ("expired", "other") if await driver.can_be(one)]
    unknown = Run("unknown", run.kind, credentials.other_id(run.id))
    await asyncio.gather(
        _one_by_one(driver, run, pretenders),
        *(_intrude(driver, run, account) for account in others),
        _intrude(driver, unknown, "primary"),
        _companions(driver, run, unknown),
    )
    for account in pretenders[1:]:  # a cancellation that is let in is the last thing that this run shows
        await _meddle(driver, run, account)
    if stimulus.get("outcome") == "hangs":
        await driver.tidy_up(run)
    over = reader is not None and await driver.to_end(reader)
    if over:  # whose run it is may have what others were refused
        await driver.record(run, "record-after")
        if stimulus.get("outcome") != "hangs" and driver.setting.has("cancel"):
            await driver.on_run("cancel", run, "cancel-finished")


async def _a_run(driver: Driver, stimulus: Stimulus) -> tuple[Run, Live | None]:
    if "run_id" in stimulus:
        run = Run("r1", driver.setting.kind_of_existing, stimulus["run_id"])
        own = await driver.attach(run, "after", finished=True)
        await driver.finished(own)
        if driver.setting.has("record"):
            await driver.record(run, "record-after")
        return run, None
    return await driver.begin("reader")


async def _intrude(driver: Driver, run: Run, account: str) -> None:
    await _turn_away(driver, await driver.attach(run, "intruder", account=account, meant="refusal"))


async def _one_by_one(driver: Driver, run: Run, accounts: Sequence[str]) -> None:
    for account in accounts:
        await _intrude(driver, run, account)


async def _meddle(driver: Driver, run: Run, account: str) -> None:
    """Somebody who is nobody asks for a record, and cancels."""
    for operation in ("record", "cancel"):
        if driver.setting.has(operation):
            await driver.on_run(operation, run, f"{operation}-refused", account=account, meant="refusal")


async def _turn_away(driver: Driver, live: Live) -> None:
    """Wait for the refusal; leave where there is none."""
    head = await live.head(driver.bounds.answer_s)
    if head is not None and head.status < 300:  # let in: the stream may be endless
        if not await live.over(_LEAK_S):
            await live.cut("it should have been refused")
        return
    await driver.answer(live)


async def _companions(driver: Driver, run: Run, unknown: Run) -> None:
    """Record and cancellation: of another user's run, and the record of an unknown one."""
    for operation in ("record", "cancel"):
        if driver.setting.has(operation) and await driver.can_be("other"):
            await driver.on_run(operation, run, f"{operation}-refused", account="other", meant="refusal")
    if driver.setting.has("record"):
        await driver.on_run("record", unknown, "record-refused", meant="refusal")


def starts_stimuli(setting: Setting) -> list[Stimulus]:
    """Each kind of start."""
    return [_beside_a_right_one(setting, "wrong starts", start) for start in setting.starts]


def _beside_a_right_one(setting: Setting, name: str, start: Operation) -> Stimulus:
    """Starts that must be refused; where a run may be started, beside a right one, so that a refusal says something."""
    right = setting.target.max_starts != 0
    if right and setting.scripted:
        nothing = scripts.spread(setting.plain(start, 0), 0, setting.scale)
        return setting.stimulus(name, start, "succeeds", nothing, right=True)
    if right and "succeeds" in setting.target.inputs.get(start.kind, {}):
        return setting.stimulus(name, start, "succeeds", right=True)
    return {"name": name, "kind": start.kind, "outcome": None, "script": []}


def right_starts(stimulus: Stimulus) -> int:
    """How many runs a try of wrong starts begins."""
    return int(stimulus.get("right", False))


async def _is_nobody(driver: Driver) -> bool:
    """Whether credentials are needed, and the target file has none."""
    return driver.profile.field("auth.kind") not in (None, "none") and not await driver.can_be("primary")


async def _right_one(driver: Driver, stimulus: Stimulus) -> None:
    """A right start, read to its end, where the try has one."""
    if stimulus.get("right") and not await _is_nobody(driver):
        _run, reader = await driver.begin("reader")
        if reader is not None:
            await driver.to_end(reader)


async def starts(driver: Driver, stimulus: Stimulus) -> None:
    """Start a run; ask for one without credentials; with valid ones, send each body that the profile lists as wrong."""
    await _right_one(driver, stimulus)
    operation = driver.profile.operations[f"start:{stimulus['kind']}"]
    right = driver.body_of(stimulus["kind"])
    if driver.profile.field("auth.missing"):
        await driver.start_refused("no credentials", _json(right), account="missing")
    if driver.profile.streams == "run" and driver.profile.field("auth.invalid"):
        for account in (await _pretenders(driver))[1:]:
            await driver.start_refused(f"{account} credentials", _json(right), account=account)
    # Who may have no run is refused for that.
    for row in () if await _is_nobody(driver) else operation.raw.get("refused", ()):
        await driver.start_refused(row["name"], _wrong_body(right, row))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _wrong_body(right: Any, row: Mapping[str, Any]) -> bytes:
    """The body that a row of `refused` describes, made from a right one."""
    if "raw" in row:
        return str(row["raw"]).encode()
    if "body" in row:
        return _json(row["body"])
    body = copy.deepcopy(right)
    if "without" in row:
        holder, key = _place(body, row["without"])
        if isinstance(holder, dict):
            holder.pop(key, None)
    for pointer, value in row.get("with", {}).items():
        holder, key = _place(body, pointer)
        if isinstance(holder, dict):
            holder[key] = value
        elif isinstance(holder, list) and key.isascii() and key.isdigit() and int(key) < len(holder):
            holder[int(key)] = value
    for pointer, count in row.get("repeat", {}).items():
        holder, key = _place(body, pointer)
        if isinstance(holder, dict) and isinstance(holder.get(key), list) and holder[key]:
            holder[key] = [holder[key][0]] * count
    return _json(body)


def _place(body: Any, pointer: str) -> tuple[Any, str]:
    """What holds the value at a JSON pointer, and its key there."""
    parent, _, last = pointer.rpartition("/")
    return pointed(body, parent), last.replace("~1", "/").replace("~0", "~")


def logins_stimuli(_setting: Setting) -> list[Stimulus]:
    """All in one."""
    return [{"name": "logins", "outcome": None, "script": []}]


async def logins(driver: Driver, _stimulus: Stimulus) -> None:
    """A correct login, one with a wrong password, and each body that the profile lists as wrong."""
    operation = driver.profile.operations["login"]
    given = driver.candidate.given("primary") or {}
    fields = dict(_NOBODY) if {"token", "cookie"} & given.keys() else dict(given)
    if fields.keys() == given.keys():
        await driver.candidate.login(fields, "primary", driver.tape)
    wrong = {key: value for key, value in fields.items() if "pass" not in key}
    body = credentials.filled(operation.body, wrong | {"password": _WRONG_PASSWORD})
    await driver.send_body("login", "login-wrong", _json(body), meant="refusal", account="missing")
    for row in operation.raw.get("refused", ()):
        wrong_body = _wrong_body(body, row)
        await driver.send_body(
            "login", "login-malformed", wrong_body, meant="refusal", account="missing", case=row["name"]
        )
