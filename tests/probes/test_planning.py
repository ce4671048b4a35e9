"""What is tried, what is not and why; and the places that tries share."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from streamvet.campaign.planning import Plan, plan_cases, plan_tries
from streamvet.campaign.slots import Slots
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.probes import PROBES
from streamvet.probes.probe import CONDITIONS
from streamvet.systems import SYSTEMS

from .test_scripts import setting_of

GENERIC = set(load_registry().families) - set(SYSTEMS)
RUN = {"project": "demo", "baseUrl": "http://127.0.0.1:9", "steps": []}
INPUTS = {"run": {"succeeds": RUN, "fails": RUN | {"steps": [1]}, "long": RUN | {"steps": [2]}}}
LAUNCH = {"command": ["true"]}
OTHERS: dict[str, Any] = {"other_credentials": {"token": "b"}, "expired_credentials": {"token": "c"}}


def planned(name: str = "ghostly", *, control: bool = True, max_wait_s: float | None = None, **more: Any) -> Plan:
    return plan_tries(SYSTEMS[name].probes, setting_of(name, control=control, **more), max_wait_s)


def reasons(plan: Plan) -> set[str]:
    return {reason for _, reason in plan.skipped}


def probes_of(plan: Plan) -> set[str]:
    return {one.probe.name for one in (*plan.together, *plan.alone)}


@pytest.mark.parametrize("name", SYSTEMS)
def test_names_and_ids(name: str) -> None:
    system, registry = SYSTEMS[name], load_registry()
    assert len({probe.name for probe in system.probes}) == len(system.probes)
    assert {need for probe in system.probes for need in probe.needs} <= set(CONDITIONS)
    assert system.serves.keys() <= {probe.name for probe in PROBES}
    served = {one for probe in system.probes for one in probe.serves}
    assert {registry.rows[one].family for one in served} <= {name, *GENERIC}
    assert {one for probe in PROBES for one in probe.serves} <= {
        row.id for row in registry.rows.values() if row.family in GENERIC
    }


@pytest.mark.parametrize("name", ["ghostly", "promptfloe"])
def test_each_requirement_is_served(name: str) -> None:
    plan = planned(name, launch=LAUNCH, max_concurrency=100, **OTHERS)
    served = {one for each in (*plan.together, *plan.alone) for one in each.probe.serves}
    assert {row.id for row in load_registry().testable(load_profile(name))} <= served
    assert plan.skipped == []


def test_a_profile_without_readers_asks_for_none() -> None:
    setting = setting_of("ghostly", control=True, max_concurrency=100)
    raw = {key: value for key, value in setting.profile.raw.items() if key != "readers"}
    plan = plan_tries(SYSTEMS["ghostly"].probes, replace(setting, profile=replace(setting.profile, raw=raw)), None)
    assert {"straight", "late", "pause"} <= probes_of(plan)
    assert not {"many", "churn", "slow"} & probes_of(plan)


def test_without_control() -> None:
    plan = planned(control=False, inputs=INPUTS, launch=LAUNCH, max_concurrency=100, **OTHERS)
    assert reasons(plan) == {"not tried: no control interface"}
    assert {"straight", "late", "heartbeats", "restart", "many"} <= probes_of(plan)
    assert {"race", "cancel race", "churn", "slow", "left in a burst", "two runs at once"} <= probes_of(plan)
    assert "pause" not in probes_of(plan)


def test_without_anything() -> None:
    plan = planned(control=False)
    assert "not tried: no launch in the target file" in reasons(plan)
    assert "not tried: no input that fails for run in the target file, and no control" in reasons(plan)
    assert probes_of(plan) == {"logins", "starts"}


def test_what_control_cannot_do_is_told_apart_from_no_control() -> None:
    without = reasons(planned("rockstar", control=False))
    assert "not tried: no control interface" in without
    assert not any("cannot fail" in reason for reason in without)
    setting = replace(setting_of("rockstar", control=True), can=frozenset({"script"}))
    assert "not tried: the control interface cannot fail" in reasons(
        plan_tries(SYSTEMS["rockstar"].probes, setting, None)
    )


def test_starts_are_limited() -> None:
    plan = planned(control=False, inputs=INPUTS, max_starts=3, max_concurrency=100)
    assert sum(one.probe.runs(one.stimulus) for one in plan.together if one.probe.starts) <= 3
    assert any("of max_starts 0 are left" in reason for reason in reasons(plan))


def test_waits_are_limited() -> None:
    plan = planned(max_wait_s=1.0)
    assert "not tried: heartbeats waits 3.9 s, --max-wait is 1 s" in reasons(plan)
    assert "heartbeats" not in probes_of(plan)


def test_connections_are_limited() -> None:
    assert "not tried: many holds 33 connections at once, max_concurrency is 20" in reasons(planned(max_concurrency=20))


def test_the_longest_wait_begins_first() -> None:
    waits = [one.wait_s for one in planned("promptfloe").together]
    assert waits == sorted(waits, reverse=True)
    assert waits[0] == pytest.approx(15.52)


@pytest.mark.parametrize("seed", range(8))
def test_each_watch_goes_beyond_a_minute_where_that_is_short(seed: int) -> None:
    beat = load_profile("ghostly").heartbeat
    assert beat is not None
    assert beat.watched(seed, 0.05) * beat.interval_ms > 61_000
    assert 3 <= beat.watched(seed, 1.0) <= 6
    assert beat.watched(None, 0.05) == 3
    plan = plan_tries(SYSTEMS["ghostly"].probes, replace(setting_of("ghostly", control=True), seed=seed), None)
    waits = [one.wait_s for one in plan.together if one.probe.name == "heartbeats"]
    assert all(wait_s > 61 * 0.05 for wait_s in waits)


def test_what_disturbs_comes_last() -> None:
    plan = planned(launch=LAUNCH)
    assert [one.probe.name for one in plan.alone] == ["slow", "restart", "orphan"]


def test_what_a_target_lacks_is_not_tried() -> None:
    plan = planned("promptfloe", lacks=["start:message"])
    assert "message" not in {one.stimulus.get("kind") for one in plan.together}


def test_existing_runs_are_used_where_none_can_be_made() -> None:
    plan = planned(control=False, existing={"finished": "run_1", "active": "run_2"}, max_starts=0)
    assert probes_of(plan) >= {"existing", "intruders", "heartbeats"}
    assert all("run_id" in one.stimulus for one in plan.together if one.probe.name in ("intruders", "heartbeats"))


def test_cases_are_tried_as_they_are() -> None:
    setting = setting_of("ghostly", control=True)
    stimulus = {"name": "again", "kind": "run", "outcome": "succeeds", "script": []}
    plan = plan_cases(SYSTEMS["ghostly"].probes, setting, [("straight", stimulus), ("slow", stimulus)])
    assert [(one.probe.name, one.stimulus) for one in plan.together] == [("straight", stimulus)]
    assert [one.probe.name for one in plan.alone] == ["slow"]
    with pytest.raises(KeyError):
        plan_cases(SYSTEMS["ghostly"].probes, setting, [("no such probe", stimulus)])


def test_whom_a_target_does_not_know_is_a_reason() -> None:
    assert "not tried: no other_credentials in the target file" in reasons(planned(max_concurrency=100))
    assert "not tried: no credentials in the target file" in reasons(planned(credentials=None))


def test_slots_are_given_in_the_order_of_asking() -> None:
    async def scenario() -> tuple[list[str], int]:
        slots, order, most, held = Slots(3), list[str](), 0, 0

        async def hold(name: str, count: int) -> None:
            nonlocal most, held
            async with slots.taken(count):
                order.append(name)
                held += count
                most = max(most, held)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                held -= count

        await asyncio.gather(hold("a", 2), hold("large", 3), hold("b", 1), hold("c", 1), hold("d", 1))
        return order, most

    order, most = asyncio.run(scenario())
    assert order == ["a", "large", "b", "c", "d"]
    assert most == 3


def test_slots_survive_who_gives_up() -> None:
    async def scenario() -> bool:
        slots = Slots(1)

        async def hold(event: asyncio.Event) -> None:
            async with slots.taken(1):
                await event.wait()

        go = asyncio.Event()
        first = asyncio.create_task(hold(go))
        second = asyncio.create_task(hold(go))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        go.set()
        await first
        async with asyncio.timeout(5), slots.taken(1):
            return True

    assert asyncio.run(scenario())


@pytest.mark.parametrize(("name", "kind"), [("ghostly", "run"), ("promptfloe", "")])
def test_the_kind_of_an_existing_run_is_known_where_there_is_one_alone(name: str, kind: str) -> None:
    assert setting_of(name, control=False, existing={"finished": "run_1"}).kind_of_existing == kind


def test_what_only_reads_is_tried_on_existing_runs() -> None:
    plan = planned(
        "promptfloe",
        control=False,
        existing={"finished": "run_1", "active": "run_2"},
        max_starts=0,
        max_concurrency=100,
    )
    names = {
        "existing",
        "cursors of an existing run",
        "many of an existing run",
        "short connections to an existing run",
    }
    assert names <= probes_of(plan)


@pytest.mark.parametrize("at_most", [1, None])
def test_a_run_that_is_read_once_has_one_reader(at_most: int | None) -> None:
    """`readers.at_most`: without the key the same candidate is asked for more than it gives."""
    setting = setting_of("ghostly", control=True, launch=LAUNCH)
    raw = {key: part for key, part in setting.profile.raw.items() if key not in ("readers", "catchup")}
    raw |= {"catchup": {"kind": "none"}, "readers": {"at_most": at_most} if at_most else {"independent": True}}
    plan = plan_tries(PROBES, replace(setting, profile=replace(setting.profile, raw=raw)), None)
    several = {probe.name for probe in PROBES if "attached" in probe.needs}
    assert bool(probes_of(plan) & several) is (at_most is None)
    assert probes_of(plan) >= {"straight", "cancel", "heartbeats"}


def test_what_ends_the_candidate_comes_last() -> None:
    setting = setting_of("ghostly", control=True, launch=LAUNCH, max_concurrency=100, **OTHERS)
    alone = plan_tries(reversed(SYSTEMS["ghostly"].probes), setting, None).alone
    ending = ["launch" in one.probe.needs for one in alone]
    assert (any(ending), all(ending)) == (True, False)
    assert ending == sorted(ending)
