"""`streamvet doctor`: what it sees of a candidate, and what it says that a target file lacks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streamvet.campaign import reach_of
from streamvet.contract.evidence import Evidence
from streamvet.contract.target import target_of
from streamvet.levels import VERBS
from streamvet.probes.scripts import spoken
from streamvet.probes.setting import Setting
from streamvet.reference import free_port
from streamvet.systems import system_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .commands import Ended

SHOP = Path(__file__).resolve().parents[2] / "examples" / "systems" / "printshop"
_BARE: dict[str, Any] = {"profile": "promptfloe", "base_url": "http://127.0.0.1:9"}
_KNOWN = {"credentials": {"token": "one"}, "inputs": {"build": {"succeeds": {"prompt": "a page"}}}}


def _setting(raw: dict[str, Any], *, can: frozenset[str] = frozenset()) -> Setting:
    target, profile = target_of(raw, Path("target.yaml"))
    words = system_of(profile).words or spoken(profile)
    return Setting(profile, target, 1.0, can, words)


def _opened(raw: dict[str, Any]) -> dict[str, tuple[tuple[str, ...], Evidence]]:
    setting = _setting(raw)
    return {one.part: (one.ids, one.level) for one in reach_of(setting, system_of(setting.profile)).openings}


def test_without_credentials_they_open_the_most() -> None:
    opened = _opened(_BARE | {"inputs": _KNOWN["inputs"]})

    assert next(iter(opened)) == "credentials"
    assert len(opened["credentials"][0]) > 50
    assert opened["credentials"][1] is Evidence.BLACK_BOX


def test_each_part_opens_what_only_it_can() -> None:
    opened = _opened(_BARE | _KNOWN)

    assert opened["other_credentials"] == (("ACC-05", "ACC-12", "ACC-15"), Evidence.BLACK_BOX)
    assert opened["expired_credentials"] == (("ACC-04",), Evidence.BLACK_BOX)
    assert "launch" not in opened  # a run that is killed in its middle takes a long input, too
    assert {"EVT-09", "ORD-04", "ORD-05"} <= set(opened["control"][0])
    assert opened["control"][1] is Evidence.CONTROLLED
    assert opened["inputs.build.fails"][0] == ()


def test_a_launch_opens_what_a_restart_shows() -> None:
    bodies = {"succeeds": {"prompt": "a page"}, "long": {"prompt": "a large page"}}
    opened = _opened(_BARE | _KNOWN | {"inputs": {"build": bodies}})

    assert opened["launch"] == (("CAT-15", "CAT-16"), Evidence.LAUNCHED)


def test_a_target_that_has_everything_opens_everything() -> None:
    accounts = {f"{one}credentials": {"token": one or "one"} for one in ("", "other_", "expired_")}
    raw = _BARE | accounts | {"control": "/_conformance", "launch": {"command": ["true"]}, "max_concurrency": 500}
    raw |= {"existing": {"finished": "a", "active": "b"}}
    setting = _setting(raw, can=frozenset(VERBS["run"]))

    reach = reach_of(setting, system_of(setting.profile))

    assert set(reach.exercised) == set(reach.levels)
    assert not [one for one in reach.openings if one.ids]


def test_nobody_there_is_unreachable(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    path = tmp_path / "target.yaml"
    path.write_text(yaml.safe_dump(_BARE | _KNOWN | {"base_url": f"http://127.0.0.1:{free_port()}"}), encoding="utf-8")

    done = streamvet("doctor", path, "--wait", "0")

    assert done.code == 3
    assert "not up within 0 s" in done.err


def _shop(folder: Path, **more: object) -> Path:
    port = str(free_port())
    raw = yaml.safe_load((SHOP / "target.yaml").read_text(encoding="utf-8"))
    raw |= {"profile": str(SHOP), "base_url": f"http://127.0.0.1:{port}"}
    raw["launch"]["command"] = [sys.executable, str(SHOP / "server.py"), port]
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump(raw | more), encoding="utf-8")
    return path


@pytest.mark.live
def test_it_shows_head_and_events_of_one_run(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    done = streamvet("doctor", _shop(tmp_path))

    assert done.code == 0, done.err
    for text in (
        "printshop, Print shop, at http://127.0.0.1:",
        "content-type: application/x-ndjson",
        '  page                {"type": "page", "number": 1}↵',
        '  done                {"type": "done", "pages": 3}↵',
        ", complete",
        "a run can exercise 40 of 40 requirements, with evidence launched",
        "  inputs.order.fails          adds no further requirement, 1 more try",
    ):
        assert text in done.out, done.out


@pytest.mark.live
def test_a_file_without_inputs_says_which_and_is_incomplete(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    done = streamvet("doctor", _shop(tmp_path, inputs={}))

    assert done.code == 3
    assert "no input that succeeds for order in the target file" in done.out
    assert "  inputs.order.succeeds       adds " in done.out
