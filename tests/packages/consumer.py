"""What a program in Python does with the types: for mypy alone, which has to find each branch and no error."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from streamvet.types.agent_workspace import AgentWorkspaceEvent
    from streamvet.types.cosma import CosmaEvent, SettingsRequest
    from streamvet.types.ghostly import GhostlyKnownEvent
    from streamvet.types.promptfloe import ChunkEvent, PromptfloeAdoptedKnownEvent
    from streamvet.types.rockstar import DoneEvent, RockstarEvent


def of_rockstar(event: RockstarEvent) -> str:
    if event["step"] == "done":
        return event["nanoid"].upper()
    if event["step"] == "error":
        return event["error"]
    return event.get("detail", "")


def of_promptfloe(event: PromptfloeAdoptedKnownEvent) -> str:
    if event["type"] == "chunk":
        return event["delta"]
    return event["type"]


def of_ghostly(event: GhostlyKnownEvent) -> str:
    if isinstance(event, str):
        return event  # a ping
    if event["kind"] == "status":
        return event["status"]
    if event["kind"] == "end":
        return event["at"]
    if event["type"] == "run_end":
        return str(event["payload"].get("cancelled", False))
    return event["type"]


def of_agent_workspace(event: AgentWorkspaceEvent) -> list[str]:
    if event["event"] == "fleet_snapshot" or event["event"] == "fleet_update":
        return [job["agentType"] for run in event["data"] for job in run["jobs"]]
    if event["event"] == "fleet_logs":
        return [str(line) for line in event["data"]]
    if event["event"] == "heartbeat":
        return [str(event["data"]["ts"])]
    if event["event"] == "error":
        return [event["data"]["message"]]
    assert_never(event)


def of_cosma(event: CosmaEvent) -> str:
    return event["data"]["error"] if event["opcode"] == "file_failed" else event["opcode"]


SETTINGS: SettingsRequest = {"queue.cooldown_seconds": 1.0}
DONE: DoneEvent = {"step": "done", "nanoid": "abcdefghijkl", "url": "https://a.example/", "version": 1, "changed": True}
WRONG: ChunkEvent = {"type": "chunk", "delta": None}  # type: ignore[typeddict-item]
OTHER: RockstarEvent = {"step": "weighing"}  # type: ignore[typeddict-item, unused-ignore, misc, assignment]
