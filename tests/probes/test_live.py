"""Campaigns on the reference server: what they record is whole, and every role of the vocabulary is played."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from streamvet.campaign import SMALL_EFFORT, Settings, Summary, campaign
from streamvet.contract.files import meta_validator
from streamvet.contract.target import target_of
from streamvet.trace import ABOUT, ROLES, Trace, records

pytestmark = pytest.mark.live

SERVER = [sys.executable, "-m", "streamvet_server"]
SCALE = 0.02
# The roles of systems without runs.
_OTHERS = {"newcomer", "returned", "idle", "unacceptable", "trigger", "trigger-refused", "look"}
# `restart` and `orphan` are the only probes that ask for such a record.
ROLES_OF = {
    "ghostly": set(ROLES) - _OTHERS - {"record-detached", "limited"},
    "promptfloe": set(ROLES) - _OTHERS - {"start", "login", "login-wrong", "login-malformed", "watch", "list"},
    "rockstar": {"reader", "cut", "newcomer", "intruder", "start-refused", "limited", "control"},
}


@cache
def run_of(name: str) -> tuple[Summary, list[Trace], str]:
    """One campaign on a server of its own: its summary and traces, and the password."""
    listed = subprocess.run([*SERVER, "--list-accounts", "--json"], capture_output=True, check=True, timeout=60)
    accounts: dict[str, Any] = json.loads(listed.stdout)[name]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = Path(os.environ.get("TMPDIR", "/tmp")) / f"streamvet-test-{os.getpid()}-{name}.db"  # noqa: S108
    options = ["--profile", name, "--port", str(port), "--time-scale", str(SCALE), "--control", "--db", str(database)]
    raw = {"profile": name, "base_url": f"http://127.0.0.1:{port}", "control": "/_conformance", "time_scale": SCALE}
    raw |= {"launch": {"command": [*SERVER, *options]}, "max_concurrency": 100, **accounts}
    target, profile = target_of(raw, Path("target.yaml"))
    traces: list[Trace] = []
    try:
        summary = asyncio.run(campaign(target, profile, Settings(effort=SMALL_EFFORT), traces.append))
    finally:
        for path in database.parent.glob(f"{database.name}*"):
            path.unlink()
    secret = accounts["credentials"].get("password") or accounts["credentials"]["token"]
    return summary, traces, secret


@pytest.mark.parametrize("name", ROLES_OF)
def test_everything_is_tried(name: str) -> None:
    summary, traces, _ = run_of(name)
    assert (summary.errors, summary.skipped) == ([], [])
    assert {exchange.role for trace in traces for exchange in trace.exchanges} == ROLES_OF[name]
    assert {key for trace in traces for exchange in trace.exchanges for key in exchange.about} <= set(ABOUT)


@pytest.mark.parametrize("name", ROLES_OF)
def test_runs_and_exchanges_have_their_facts(name: str) -> None:
    _, traces, _ = run_of(name)
    facts = {"meant", "account", "kind"} | ({"run", "run_id"} if name != "rockstar" else set())
    for exchange in (exchange for trace in traces for exchange in trace.exchanges):
        if exchange.role in ("reader", "after", "resumed", "cut", "late", "intruder", "record-after", "cancel"):
            assert facts <= exchange.about.keys()
        if exchange.role == "resumed":
            assert "after" in exchange.about or exchange.about.get("restarts")


@pytest.mark.parametrize("name", ROLES_OF)
def test_traces_are_as_their_schema_says_and_have_no_secret(name: str) -> None:
    _, traces, secret = run_of(name)
    validator = meta_validator("trace")
    for trace in traces:
        rows = list(records(trace))
        wrong = [error.message for row in rows[:200] for error in validator.iter_errors(row)]
        assert wrong == []
        assert secret not in json.dumps(rows[:1000], ensure_ascii=False)
