"""Campaigns on the reference server: what they record is whole, and every role of the vocabulary is played."""

from __future__ import annotations

import asyncio
import json
import tempfile
from functools import cache
from pathlib import Path

import pytest

from streamvet.campaign import SMALL_EFFORT, Settings, Summary, campaign
from streamvet.contract.files import meta_validator
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.reference import accounts, free_ports, reference
from streamvet.trace import ABOUT, ROLES, Trace, records

pytestmark = pytest.mark.live

SCALE = 0.02
PROFILES = builtin_profiles()


@cache
def run_of(name: str) -> tuple[Summary, list[Trace], str]:
    """One campaign on a server of its own: its summary and traces, and the password."""
    given = accounts()[name]
    traces: list[Trace] = []
    with tempfile.TemporaryDirectory(prefix="streamvet-test-") as folder:
        target, profile = reference(name, given, Path(folder), free_ports(), time_scale=SCALE)
        summary = asyncio.run(campaign(target, profile, Settings(effort=SMALL_EFFORT), traces.append))
    account = given.get("credentials", {})
    return summary, traces, account.get("password") or account.get("token") or ""


@pytest.mark.parametrize("name", PROFILES)
def test_everything_is_tried(name: str) -> None:
    summary, traces, _ = run_of(name)
    assert (summary.errors, summary.skipped) == ([], [])
    assert {key for trace in traces for exchange in trace.exchanges for key in exchange.about} <= set(ABOUT)


def test_every_role_is_played() -> None:
    traces = [trace for name in PROFILES for trace in run_of(name)[1]]
    played = {exchange.role for trace in traces for exchange in trace.exchanges}
    # For the first the candidate has to misbehave: see `test_misbehaving`; the others no built-in system needs.
    assert played == set(ROLES) - {"unsent", "setup", "record-left"}


@pytest.mark.parametrize("name", [name for name in PROFILES if load_profile(name).streams == "run"])
def test_runs_and_exchanges_have_their_facts(name: str) -> None:
    _, traces, _ = run_of(name)
    facts = {"meant", "account", "kind"} | ({"run", "run_id"} if name != "rockstar" else set())
    for exchange in (exchange for trace in traces for exchange in trace.exchanges):
        if exchange.role in ("reader", "after", "resumed", "cut", "late", "intruder", "record-after", "cancel"):
            assert facts <= exchange.about.keys()
        if exchange.role == "resumed":
            assert "after" in exchange.about or exchange.about.get("restarts")


@pytest.mark.parametrize("name", PROFILES)
def test_traces_are_as_their_schema_says_and_have_no_secret(name: str) -> None:
    _, traces, secret = run_of(name)
    validator = meta_validator("trace")
    for trace in traces:
        rows = list(records(trace))
        wrong = [error.message for row in rows[:200] for error in validator.iter_errors(row)]
        assert wrong == []
        assert not secret or secret not in json.dumps(rows[:1000], ensure_ascii=False)
