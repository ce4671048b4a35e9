"""The form of agent-workspace's generated stimuli: a timeline of states, with a reader of each account and a late one.

Imports no Hypothesis until stimuli are made. Must not know how a state is put.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.generation.form import Form
from streamvet.generation.scene import NAME
from streamvet.generation.story import counted
from streamvet.systems.agent_workspace.lawful import is_lawful
from streamvet.systems.agent_workspace.probes.states import PROJECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streamvet.contract.profile import Profile
    from streamvet.generation.scene import Scene
    from streamvet.probes.scripts import Vocabulary
    from streamvet.probes.setting import Stimulus


def _make(scene: Scene, _words: Vocabulary | None) -> Callable[[Any], Stimulus] | None:
    from streamvet.systems.agent_workspace.timelines import timeline  # noqa: PLC0415 - it needs Hypothesis

    accounts = scene.ground.states

    def made(dice: Any) -> Stimulus:
        moments, late_ms = timeline(dice, scene.profile, accounts)
        projects = {account: PROJECTS[account] for account in accounts}
        return {
            "name": NAME, "outcome": None, "script": [], "projects": projects, "timeline": moments, "late_ms": late_ms,
        }  # fmt: skip

    return made if accounts else None


def _mended(stimulus: Stimulus, profile: Profile) -> Stimulus | None:
    return stimulus if is_lawful(stimulus["timeline"], stimulus["projects"], profile) else None


def _described(stimulus: Stimulus) -> Iterator[str]:
    yield f"{counted(len(stimulus['timeline']), 'state')} of the fleet"


FORM = Form(
    "timeline", _make, _mended, _described,
    lists=(
        ("timeline",), ("timeline", "state", "pipelines"), ("timeline", "state", "logs"),
        ("timeline", "state", "pipelines", "jobs"), ("timeline", "state", "pipelines", "pendingInterventions"),
    ),
    values=(("timeline", "state"),), times=(("timeline", "at_ms"),),
)  # fmt: skip
