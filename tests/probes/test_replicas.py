"""Several processes of one candidate: what is planned for them, where requests go, and what a finding says of them."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.campaign import SMALL_EFFORT, Settings, campaign
from streamvet.campaign.planning import Plan, plan_tries
from streamvet.contract.loading import load_profile
from streamvet.examples import examples
from streamvet.outcome import Verdict
from streamvet.probes.replicated import across_stimuli
from streamvet.reference import REPLICAS, accounts, free_ports, reference
from streamvet.systems import SYSTEMS, judge_of

from .test_scripts import setting_of

if TYPE_CHECKING:
    from streamvet.probes.setting import Setting
    from streamvet.trace import Trace
    from streamvet.verdicts import Ruling

OTHERS = ("http://127.0.0.1:2", "http://127.0.0.1:3")
PROBES = {"across replicas", "cancel across replicas", "broadcast across replicas"}
OF_SYSTEM = {
    "ghostly": {"across replicas", "cancel across replicas"},
    "promptfloe": {"across replicas", "cancel across replicas"},
    "rockstar": set(),  # nobody but its starter can read a push
    "cosma": {"broadcast across replicas"},
}


def planned(name: str, replicas: tuple[str, ...], **more: Any) -> Plan:
    setting = setting_of(name, control=True, **more)
    setting = replace(setting, can=setting.can | {"publish"})
    target = replace(setting.target, replicas=replicas, max_concurrency=100)
    return plan_tries(SYSTEMS[name].probes, replace(setting, target=target), None)


@pytest.mark.parametrize("name", OF_SYSTEM)
def test_what_is_planned(name: str) -> None:
    assert not {one.probe.name for one in planned(name, ()).all} & PROBES
    assert {one.probe.name for one in planned(name, OTHERS).all} & PROBES == OF_SYSTEM[name]


def test_without_replicas_nothing_is_missed() -> None:
    assert not [reason for _, reason in planned("ghostly", ()).skipped if "replica" in reason]


def watched(name: str, *faults: str) -> tuple[list[Trace], dict[str, Ruling]]:
    """The traces of the tries across replicas alone, on the reference server, and what is judged by them."""

    async def scenario(setting: Setting, target: Any, profile: Any) -> list[Trace]:
        traces: list[Trace] = []
        cases = [("across replicas", one) for one in across_stimuli(setting)[:1]]
        await campaign(target, profile, Settings(effort=SMALL_EFFORT), traces.append, cases=cases)
        return traces

    with tempfile.TemporaryDirectory() as folder:
        given = accounts()[name]
        target, profile = reference(name, given, Path(folder), free_ports(), time_scale=0.05, faults=faults)
        setting = replace(setting_of(name, control=True), target=target, scale=0.05)
        traces = asyncio.run(scenario(setting, target, profile))
    bench = judge_of(load_profile(name))
    for one in traces:
        bench.add(one)
    return traces, {one.requirement.id: one for one in bench.rulings()}


@pytest.mark.live
def test_each_process_is_met_and_what_one_alone_knows_is_found() -> None:
    traces, rulings = watched("ghostly", "memory-of-one-worker")
    (trace,) = traces
    asked = {x.about["replica"]: x.request.url.split("/")[2] for x in trace.exchanges if "replica" in x.about}
    assert sorted(asked) == [*range(1, 2 + REPLICAS)]
    assert len(set(asked.values())) == 1 + REPLICAS
    assert {x.about.get("replica") for x in trace.exchanges if x.operation == "control"} == {None}
    # On a busy machine those that are attached one after the other come late as well, for whom it is ORD-05.
    red = {one for one, ruling in rulings.items() if ruling.verdict is Verdict.FAIL}
    assert red
    assert red <= {"CAT-03", "ORD-05"}


@pytest.mark.parametrize("several", [True, False])
def test_a_finding_says_which_process_said_what(several: bool) -> None:
    example = next(one for one in examples("CAT-03") if not one.holds and one.good.profile == "ghostly")
    exchanges = tuple(
        replace(x, about={**x.about, **({"replica": number} if several else {})})
        for number, x in enumerate(example.bad.exchanges, 1)
    )
    bench = judge_of(load_profile("ghostly"))
    bench.add(replace(example.bad, exchanges=exchanges))
    (found, *_) = next(one for one in bench.rulings() if one.requirement.id == "CAT-03").findings
    numbers = {x.id: x.about.get("replica") for x in exchanges}
    said = [f"; {each} is of replica {numbers[each]}" for each in numbers if each in (found.exchange, *found.beside)]
    assert len(said) == 2
    assert ("replica" in found.seen) is several
    assert not several or found.seen.endswith("".join(said))
