"""Probes turn stimuli into requests; the table of all of them.

A probe judges nothing: it performs operations and gives each exchange a role. Probes must not know checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.probes import (
    agent_workspace,
    ambient,
    cancelling,
    cosma,
    cosma_files,
    crowds,
    ghostly,
    program,
    promptfloe,
    reading,
    refusals,
    restarting,
    resuming,
    rockstar,
    scripts,
    waiting,
)
from streamvet.probes.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.contract.profile import Profile
    from streamvet.probes.scripts import Vocabulary

# Systems whose words take more than templates: what may be said depends on what was said before.
VOCABULARIES: Mapping[str, Vocabulary] = {
    "ghostly": ghostly.WORDS,
    "promptfloe": promptfloe.WORDS,
    "rockstar": rockstar.WORDS,
    "cosma": cosma.WORDS,
}


def words_of(profile: Profile) -> Vocabulary | None:
    """What a script of this system can say: by its own module, else by its profile; None where neither says it."""
    return VOCABULARIES.get(profile.name) or scripts.spoken(profile)


# What every stream that is read shows something of.
_ANY_STREAM = (
    "TRN-01", "TRN-02", "TRN-04", "TRN-05", "TRN-06", "TRN-08", "TRN-09",
    "SSE-01", "SSE-02", "SSE-03", "SSE-04", "SSE-05", "SSE-06", "SSE-07", "SSE-08", "SSE-09", "SSE-10", "SSE-11",
    "SSE-12",
    "NDJ-01", "NDJ-02", "NDJ-03", "NDJ-04", "NDJ-05", "NDJ-06",
    "EVT-01", "EVT-02", "EVT-03", "EVT-04", "EVT-05", "EVT-06", "EVT-07", "EVT-08", "EVT-11",
    "ORD-01", "ORD-02", "ORD-03", "CAT-01", "TRM-01", "TRM-02", "TRM-03", "TRM-04",
)  # fmt: skip

# Performs what is generated. Nothing of it is planned, so that nothing is missed where it cannot be.
PROGRAM = Probe(
    "program", program.program, (), program.no_stimuli,
    connections=lambda setting: min(program.CONNECTIONS, setting.target.max_concurrency), starts=program.runs_of,
    wait_ms=program.wait_ms_of, accounts=(), lane="speaks",
)  # fmt: skip

PROBES: tuple[Probe, ...] = (
    PROGRAM,
    Probe(
        "heartbeats", waiting.heartbeats, ("HBT-01", "HBT-02", "HBT-03", "HBT-04", "HBT-06", "HBT-07"),
        waiting.heartbeats_stimuli,
        needs=("heartbeat",), connections=2, wait_ms=waiting.heartbeats_wait_ms, unsaid=True,
    ),
    Probe(
        "silence", waiting.silence, ("HBT-01", "HBT-06"), waiting.silence_stimuli,
        needs=("heartbeat", "ambient", "fixed timer"), connections=1, wait_ms=waiting.silence_wait_ms, lane="quiet",
    ),
    Probe(
        "stays open", waiting.stay, ("TRN-14", "TRN-15", "TRN-04"), waiting.open_stimuli,
        needs=("ambient", "stays open"), connections=1, wait_ms=waiting.open_wait_ms, lane=waiting.open_lane,
    ),
    Probe(
        "detached", waiting.detached, ("CAT-11", "CAT-12", "TRN-11"), waiting.detached_stimuli,
        needs=("detached", "record", "starts"), connections=1, wait_ms=waiting.detached_wait_ms,
    ),
    Probe(
        "pause", reading.pause, ("TRN-03",), reading.pause_stimuli,
        needs=("control", "terminal"), connections=1, wait_ms=reading.pause_wait_ms, bears_ms=reading.pause_bears_ms,
    ),
    Probe(
        "straight", reading.straight,
        (*_ANY_STREAM, "EVT-09", "EVT-10", "ORD-04", "ORD-05", "ORD-07", "CAT-02", "CAT-04", "CAT-07", "TRM-05",
         "TRM-06", "TRM-07", "HBT-05", "GHO-01", "GHO-02", "GHO-03", "PFL-01", "PFL-02", "PFL-03", "PFL-04", "PFL-07"),
        reading.straight_stimuli, needs=("starts", "terminal"), connections=2,
    ),
    Probe(
        "existing", reading.existing, (*_ANY_STREAM, "CAT-02", "TRM-05"), reading.existing_stimuli,
        needs=("existing finished",), connections=1, starts=0,
    ),
    Probe(
        "logins", refusals.logins, ("ACC-08", "ACC-09", "EVT-10"), refusals.logins_stimuli,
        needs=("login",), connections=1, starts=0, anonymous=True,
    ),
    Probe(
        "starts", refusals.starts, ("ACC-07", "ACC-10", "ACC-11"), refusals.starts_stimuli,
        needs=("starts",), connections=1, starts=0, anonymous=True,
    ),
    Probe(
        "intruders", refusals.intruders,
        ("ACC-01", "ACC-02", "ACC-03", "ACC-04", "ACC-05", "ACC-06", "ACC-07", "ACC-12"), refusals.intruders_stimuli,
        needs=("a run", "joinable"), connections=9, accounts=("other", "expired"),
    ),
    Probe(
        "outsiders", refusals.outsiders, ("ACC-01", "ACC-02", "ACC-03", "ACC-04", "ACC-07"), refusals.outsiders_stimuli,
        needs=("a run", "nobody's run", "credentials"), connections=1, starts=0, accounts=("expired",),
    ),
    Probe(
        "unacceptable", ambient.unacceptable, ("ACC-13", "ACC-07"), ambient.one_stimulus,
        needs=("ambient", "not acceptable"), connections=1,
    ),
    Probe(
        "broadcast", ambient.broadcast, (*_ANY_STREAM, "EVT-09", "ORD-04", "ORD-05", "ORD-06", "COS-03"),
        ambient.broadcast_stimuli,
        needs=("ambient", "publish"), connections=3, lane="speaks",
    ),
    Probe(
        "broadcast with pauses", ambient.pauses, ("TRN-03",), ambient.pauses_stimuli,
        needs=("ambient", "publish"), connections=1, wait_ms=ambient.pauses_wait_ms,
        bears_ms=reading.pause_bears_ms, lane="speaks",
    ),
    Probe(
        "triggered", ambient.triggered, (*_ANY_STREAM, "FLT-01", "FLT-04", "FLT-16"), ambient.triggered_stimuli,
        needs=("ambient", "triggers"), connections=1, wait_ms=ambient.triggered_wait_ms, lane="speaks",
    ),
    Probe(
        "crowd", ambient.crowd, ("TRN-12", "ORD-05", "ORD-06"), ambient.crowd_stimuli,
        needs=("ambient", "publish", "readers"), connections=lambda setting: ambient.crowd_readers(setting) + 1,
        lane="speaks",
    ),
    Probe(
        "newcomers", ambient.newcomers, ("CAT-17",), ambient.newcomers_stimuli,
        needs=("ambient", "publish", "no replay"), connections=3, lane="speaks",
    ),
    Probe(
        "short connections", ambient.churn, ("TRN-13",), ambient.churn_stimuli,
        needs=("ambient", "churns", "something to read"), connections=6, lane="speaks",
    ),
    Probe(
        "gzip on an ambient stream", ambient.gzip, ("TRN-07",), ambient.one_stimulus,
        needs=("ambient",), connections=1,
    ),
    Probe(
        "stalled", ambient.slow, ("TRN-10",), ambient.slow_stimuli,
        needs=("ambient", "publish", "independent readers"), connections=2, alone=True,
    ),
    Probe(
        "killed", ambient.restart, ("CAT-18",), ambient.restart_stimuli,
        needs=("ambient", "launch"), connections=1, alone=True,
    ),
    Probe(
        "several", reading.several, ("ORD-06",), reading.several_stimuli,
        needs=("starts", "terminal", "independent readers"), connections=3,
    ),
    Probe(
        "cancel", cancelling.active,
        ("CAN-01", "CAN-02", "CAN-03", "CAN-05", "TRM-09", "GHO-04", "PFL-06"), cancelling.active_stimuli,
        needs=("starts", "cancel", "terminal"), connections=3,
    ),
    Probe(
        "cancel finished", cancelling.finished, ("CAN-03", "CAN-04", "PFL-06"), cancelling.finished_stimuli,
        needs=("starts", "cancel", "terminal"), connections=2,
    ),
    Probe(
        "cursors", resuming.cursors, ("CAT-05", "CAT-06", "CAT-07", "CAT-08", "CAT-09", "CAT-10"),
        resuming.cursors_stimuli, needs=("starts", "cursor", "terminal"), connections=14,
    ),
    Probe(
        "own cuts", resuming.own, ("TRN-11", "CAT-05", "CAT-06", "CAT-07"), resuming.own_stimuli,
        needs=("streaming start", "catchup", "terminal"), connections=2,
    ),
    Probe(
        "deserted", resuming.deserted, ("TRN-11", "CAT-05", "CAT-06", "CAT-07"), resuming.deserted_stimuli,
        needs=("starts", "catchup", "terminal"), connections=1,
    ),
    Probe(
        "cuts", resuming.cuts, ("TRN-11", "CAT-03", "CAT-05", "CAT-06", "CAT-07", "TRM-08"), resuming.cuts_stimuli,
        needs=("starts", "catchup", "terminal"), connections=9,
    ),
    Probe(
        "inside", resuming.inside, ("TRN-11", "CAT-03", "CAT-05", "CAT-06", "CAT-07"), resuming.inside_stimuli,
        needs=("starts", "catchup", "terminal"), connections=6,
    ),
    Probe(
        "Last-Event-ID", resuming.event_id, ("CAT-13",), resuming.event_id_stimuli,
        needs=("starts", "last-event-id", "terminal"), connections=8,
    ),
    Probe(
        "late", reading.late, ("CAT-03", "CAT-04", "CAT-07", "TRM-08"), reading.late_stimuli,
        needs=("starts", "catchup", "terminal"), connections=lambda setting: setting.effort.joins + 1,
    ),
    Probe("gzip", reading.gzip, ("TRN-07",), reading.short_stimuli, needs=("starts", "terminal"), connections=1),
    Probe(
        "cancel race", cancelling.race, ("CAN-03", "TRM-02"), cancelling.race_stimuli,
        needs=("control", "cancel", "terminal"), connections=4, starts=cancelling.races_of,
    ),
    Probe(
        "race", crowds.race, ("TRM-08", "CAT-03"), crowds.race_stimuli,
        needs=("control", "catchup", "terminal"), connections=10, starts=crowds.races_of,
    ),
    Probe(
        "many", crowds.many, ("TRN-12",), crowds.many_stimuli,
        needs=("starts", "readers", "terminal"), connections=crowds.many_readers,
    ),
    Probe(
        "churn", crowds.churn, ("TRN-13",), crowds.churn_stimuli,
        needs=("control", "cancel", "terminal"), connections=6,
    ),
    Probe(
        "lists", ghostly.lists, ("GHO-06", "GHO-07", "GHO-08"), ghostly.list_stimuli,
        needs=("ghostly", "starts", "list"), connections=1, starts=3, accounts=("other",),
    ),
    Probe("fill", ghostly.fill, ("GHO-09",), ghostly.fill_stimuli, needs=("ghostly", "starts"), connections=1),
    Probe(
        "slow", crowds.slow, ("TRN-10",), crowds.slow_stimuli,
        needs=("control", "independent readers", "terminal"), connections=2, alone=True,
    ),
    Probe(
        "own work", promptfloe.work, ("PFL-07",), promptfloe.work_stimuli,
        needs=("promptfloe", "control", "terminal"), connections=1,
    ),
    Probe(
        "rate limit", promptfloe.rate, ("PFL-05",), promptfloe.rate_stimuli,
        needs=("promptfloe", "fail"), connections=1, starts=0, alone=True,
    ),
    Probe(
        "restart", restarting.restart, ("CAT-14", "CAT-15", "CAT-16"), restarting.restart_stimuli,
        needs=("after restart", "starts", "launch"), connections=2, starts=2, alone=True,
    ),
    Probe(
        "orphan", ghostly.orphan, ("GHO-05",), ghostly.orphan_stimuli,
        needs=("ghostly", "starts", "cancel", "launch"), connections=2, alone=True,
    ),
    Probe(
        "pushes", rockstar.versions, ("RKS-02", "RKS-03", "RKS-04", "RKS-01", "RKS-08", "RKS-09", "TRM-06"),
        rockstar.versions_stimuli, needs=("rockstar",), connections=1, starts=rockstar.pushes_of,
    ),
    Probe(
        "linked plans", rockstar.linked, ("RKS-05", "RKS-06", "RKS-07", "RKS-13"), rockstar.linked_stimuli,
        needs=("rockstar",), connections=1, starts=rockstar.pushes_of,
    ),
    Probe(
        "aborted pushes", rockstar.versions, ("RKS-12",), rockstar.aborted_stimuli,
        needs=("rockstar",), connections=1, starts=rockstar.pushes_of,
    ),
    Probe(
        "one push after another", rockstar.following, ("CAT-17",), rockstar.following_stimuli,
        needs=("rockstar", "no replay"), connections=1, starts=2,
    ),
    Probe(
        "large push", rockstar.large, ("RKS-10",), rockstar.large_stimuli,
        needs=("rockstar",), connections=1, starts=0,
    ),
    Probe(
        "limited push", rockstar.rate, ("RKS-11",), rockstar.rate_stimuli,
        needs=("rockstar", "fail"), connections=1, starts=0, alone=True,
    ),
    Probe(
        "push that cannot be stored", rockstar.unstored, ("TRM-06",), rockstar.unstored_stimuli,
        needs=("rockstar", "fail"), connections=1, alone=True,
    ),
    Probe(
        "pushes and a crash", rockstar.killed, ("RKS-14",), rockstar.killed_stimuli,
        needs=("rockstar", "launch"), connections=1, starts=lambda stimulus: rockstar.pushes_of(stimulus) + 1,
        alone=True,
    ),
    Probe(
        "scenes", agent_workspace.scenes,
        (*_ANY_STREAM, "FLT-01", "FLT-02", "FLT-03", "FLT-04", "FLT-05", "FLT-06", "FLT-07", "FLT-08", "FLT-09",
         "FLT-10", "FLT-11", "FLT-12", "FLT-13", "FLT-16"),
        agent_workspace.scenes_stimuli, needs=("agent-workspace", "state", "e-mail"), connections=3,
        wait_ms=agent_workspace.scenes_wait_ms, accounts=("other",), lane="speaks",
    ),
    Probe(
        "fast changes", agent_workspace.scenes, ("FLT-06",), agent_workspace.fast_stimuli,
        needs=("agent-workspace", "state", "e-mail"), connections=3, wait_ms=agent_workspace.scenes_wait_ms,
        accounts=("other",), alone=True,
    ),
    Probe(
        "busy heartbeats", agent_workspace.busy, ("HBT-02", "HBT-06"), agent_workspace.busy_stimuli,
        needs=("agent-workspace", "state", "e-mail"), connections=1, wait_ms=agent_workspace.busy_wait_ms,
        accounts=("other",), lane="quiet",
    ),
    Probe(
        "snapshots", agent_workspace.snapshots, ("FLT-02",), agent_workspace.snapshots_stimuli,
        needs=("agent-workspace", "state", "e-mail"), connections=1, lane="speaks",
    ),
    Probe(
        "joins beside changes", agent_workspace.joins, ("FLT-02", "FLT-04", "FLT-08"), agent_workspace.joins_stimuli,
        needs=("agent-workspace", "state", "e-mail"), connections=agent_workspace.joiners,
        wait_ms=agent_workspace.joins_wait_ms, lane="speaks",
    ),
    Probe(
        "load that fails", agent_workspace.load, ("FLT-14", "FLT-16", "TRM-01", "TRM-02", "TRM-03", "TRM-04"),
        agent_workspace.load_stimuli, needs=("agent-workspace", "fail"), connections=1, alone=True,
    ),
    Probe(
        "poll that fails", agent_workspace.poll, ("FLT-15",), agent_workspace.poll_stimuli,
        needs=("agent-workspace", "state", "fail", "e-mail"), connections=1, wait_ms=agent_workspace.poll_wait_ms,
        alone=True,
    ),
    Probe(
        "a pause", cosma.pausing, (*_ANY_STREAM, "COS-03", "COS-04", "COS-05", "EVT-10"), cosma.pausing_stimuli,
        needs=("cosma",), connections=1, lane="speaks",
    ),
    Probe(
        "newcomers to a pause", cosma.latecomers, ("CAT-17",), cosma.latecomers_stimuli,
        needs=("cosma",), connections=3, lane="speaks",
    ),
    Probe(
        "files", cosma_files.files,
        ("COS-06", "COS-07", "COS-08", "COS-09", "COS-10", "COS-11", "COS-12", "COS-13", "COS-14", "COS-15", "COS-16",
         "COS-19", "EVT-08", "EVT-10", "ORD-01", "ACC-07"),
        cosma_files.files_stimuli, needs=("cosma", "directory"), connections=1, lane="speaks",
    ),
    Probe(
        "a file during a pause", cosma_files.held, ("COS-17", "COS-15", "COS-16"), cosma_files.held_stimuli,
        needs=("cosma", "directory"), connections=1, lane="speaks",
    ),
    Probe(
        "an unknown item", cosma.unknown_item, ("COS-14", "ACC-07"), cosma.unknown_item_stimuli,
        needs=("cosma",), connections=1, lane="speaks",
    ),
    Probe("first head", cosma.head, ("COS-01",), cosma.head_stimuli, needs=("cosma",), connections=1, lane="quiet"),
    Probe("the other path", cosma.path, ("COS-02",), cosma.path_stimuli, needs=("cosma",), connections=1),
    Probe(
        "asked to stop", cosma.stop, ("COS-18", "TRM-01", "TRM-02", "TRM-03", "TRM-04", "TRN-04", "SSE-01"),
        cosma.stop_stimuli, needs=("cosma", "launch"), connections=3, alone=True,
    ),
)  # fmt: skip
