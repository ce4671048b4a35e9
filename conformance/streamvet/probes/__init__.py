"""Probes turn stimuli into requests; the table of those that any system may need.

A probe judges nothing: it performs operations and gives each exchange a role. Probes must not know checks, nor any
system: probes that only one system needs are in its room.
"""

from __future__ import annotations

from streamvet.probes import (
    ambient,
    cancelling,
    crowds,
    existing,
    leaving,
    program,
    reading,
    refusals,
    replicated,
    restarting,
    resuming,
    shared_log,
    waiting,
)
from streamvet.probes.probe import Ambient, Probe

# What every stream that is read shows something of.
ANY_STREAM = (
    "TRN-01", "TRN-02", "TRN-04", "TRN-05", "TRN-06", "TRN-08", "TRN-09", "TRN-16", "TRN-17",
    "TRN-18", "TRN-19", "TRN-20",
    "SSE-01", "SSE-02", "SSE-03", "SSE-04", "SSE-05", "SSE-06", "SSE-07", "SSE-08", "SSE-09", "SSE-10", "SSE-11",
    "SSE-12", "SSE-13", "SSE-14", "SSE-15", "SSE-16", "SSE-17",
    "NDJ-01", "NDJ-02", "NDJ-03", "NDJ-04", "NDJ-05", "NDJ-06",
    "EVT-01", "EVT-02", "EVT-03", "EVT-04", "EVT-05", "EVT-06", "EVT-07", "EVT-08", "EVT-11", "EVT-12", "EVT-13",
    "EVT-14", "ORD-01", "ORD-02", "ORD-03", "ORD-08", "ORD-09", "CAT-01", "CAT-19", "TRM-01", "TRM-02", "TRM-03",
    "TRM-04", "TRM-11",
)  # fmt: skip

# The same of an ambient stream: it has no end, unless a probe brings that about.
ANY_AMBIENT = tuple(one for one in ANY_STREAM if not one.startswith("TRM-"))

# Performs what is generated. It plans no try by itself, so that no requirement counts as missed where it cannot run.
PROGRAM = Probe(
    "program", program.program, (), program.no_stimuli,
    connections=lambda setting: min(program.CONNECTIONS, setting.target.max_concurrency), starts=program.runs_of,
    holds=program.connections_of, ambient=Ambient.PUBLISHES,
)  # fmt: skip

PROBES: tuple[Probe, ...] = (
    Probe(
        "heartbeats", waiting.heartbeats,
        ("HBT-01", "HBT-02", "HBT-03", "HBT-04", "HBT-06", "HBT-07", "HBT-08", "TRN-03"),
        waiting.heartbeats_stimuli,
        needs=("heartbeat",), connections=2, wait_ms=waiting.heartbeats_wait_ms, undisturbed=True,
    ),
    Probe(
        "silence", waiting.silence, ("HBT-01", "HBT-06"), waiting.silence_stimuli,
        needs=("heartbeat", "ambient", "fixed timer"), connections=1, wait_ms=waiting.silence_wait_ms,
        ambient=Ambient.NEEDS_SILENCE,
    ),
    Probe(
        "stays open", waiting.stay, ("TRN-14", "TRN-15", "TRN-04"), waiting.open_stimuli,
        needs=("ambient", "stays open"), connections=1, wait_ms=waiting.open_wait_ms, ambient=waiting.open_needs,
    ),
    Probe(
        "detached", waiting.detached, ("CAT-11", "CAT-12", "CAT-22", "TRN-11"), waiting.detached_stimuli,
        needs=("detached", "record", "starts"), connections=2, wait_ms=waiting.detached_wait_ms,
    ),
    Probe(
        "pause", reading.pause, ("TRN-03", "TRN-20"), reading.pause_stimuli,
        needs=("control", "terminal"), connections=reading.pause_readers, wait_ms=reading.pause_wait_ms,
        tolerates_late_ms=reading.pause_tolerates_late_ms,
    ),
    Probe(
        "paced", reading.paced, ("TRN-03",), reading.paced_stimuli, needs=("starts", "paced input", "terminal"),
        connections=1,
    ),
    Probe(
        "straight", reading.straight,
        (*ANY_STREAM, "EVT-09", "EVT-10", "ORD-04", "ORD-05", "ORD-07", "CAT-02", "CAT-04", "CAT-07", "TRM-05",
         "TRM-06", "TRM-07", "TRM-10", "HBT-05"),
        reading.straight_stimuli, needs=("starts", "terminal"), scripted=("EVT-09", "ORD-04", "ORD-05"), connections=2,
    ),
    Probe(
        "existing", existing.twice, (*ANY_STREAM, "CAT-02", "TRM-05", "TRM-10", "TRN-16"), existing.finished_stimuli,
        needs=("attached", "existing finished"), connections=1, starts=0,
    ),
    Probe(
        "cursors of an existing run", existing.cursors, ("CAT-05", "CAT-06", "CAT-07", "CAT-08", "CAT-09"),
        existing.cursors_stimuli, needs=("attached", "existing finished", "cursor", "terminal"), connections=14,
        starts=0,
    ),
    Probe(
        "many of an existing run", existing.many, ("TRN-12",), existing.active_stimuli,
        needs=("attached", "existing active", "readers"), connections=crowds.many_readers, starts=0,
    ),
    Probe(
        "short connections to an existing run", existing.churn, ("TRN-13",), existing.active_stimuli,
        needs=("attached", "existing active", "churns"), connections=6, starts=0,
    ),
    Probe(
        "logins", refusals.logins, ("ACC-08", "ACC-09", "EVT-10"), refusals.logins_stimuli,
        needs=("login",), connections=1, starts=0, anonymous=True,
    ),
    Probe(
        "starts", refusals.starts, ("ACC-07", "ACC-10", "ACC-11", "ACC-16"), refusals.starts_stimuli,
        needs=("starts",), connections=1, starts=refusals.right_starts, anonymous=True,
    ),
    Probe(
        "intruders", refusals.intruders,
        ("ACC-01", "ACC-02", "ACC-03", "ACC-04", "ACC-05", "ACC-06", "ACC-07", "ACC-12", "ACC-15", "ACC-16"),
        refusals.intruders_stimuli,
        needs=("a run", "joinable"), connections=7, accounts=("other", "expired"),
    ),
    Probe(
        "outsiders", refusals.outsiders, ("ACC-01", "ACC-02", "ACC-03", "ACC-04", "ACC-07"), refusals.outsiders_stimuli,
        needs=("a run", "nobody's run", "credentials"), connections=1, starts=refusals.right_starts,
        accounts=("expired",),
    ),
    Probe(
        "unacceptable", ambient.unacceptable, ("ACC-13", "ACC-14"), ambient.one_stimulus,
        needs=("ambient", "not acceptable"), connections=1,
    ),
    Probe(
        "broadcast", ambient.broadcast, (*ANY_AMBIENT, "EVT-09", "ORD-04", "ORD-05", "ORD-06"),
        ambient.broadcast_stimuli,
        needs=("ambient", "publish"), connections=3, ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "broadcast with pauses", ambient.pauses, ("TRN-03",), ambient.pauses_stimuli,
        needs=("ambient", "publish"), connections=3, wait_ms=ambient.pauses_wait_ms,
        tolerates_late_ms=reading.pause_tolerates_late_ms, ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "triggered", ambient.triggered, ANY_AMBIENT, ambient.triggered_stimuli,
        needs=("ambient", "triggers"), connections=1, wait_ms=ambient.triggered_wait_ms, ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "cuts on a shared log", shared_log.cuts, (*ANY_AMBIENT, "CAT-05", "CAT-06", "CAT-07", "CAT-21"),
        shared_log.stimuli,
        needs=("ambient", "cursor", "happenings"), connections=5, ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "strangers to a shared log", shared_log.strangers, ("CAT-08", "CAT-09", "CAT-10"), shared_log.stranger_stimuli,
        needs=("ambient", "cursor", "happenings"), connections=6, ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "restart of a shared log", shared_log.restart, ("CAT-14", "CAT-20"), shared_log.stimuli,
        needs=("ambient", "cursor", "after restart", "happenings", "launch"), connections=2, alone=True,
    ),
    Probe(
        "crowd", ambient.crowd, ("TRN-12", "ORD-05", "ORD-06"), ambient.crowd_stimuli,
        needs=("ambient", "publish", "readers"), connections=lambda setting: ambient.crowd_readers(setting) + 1,
        ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "newcomers", ambient.newcomers, ("CAT-17",), ambient.newcomers_stimuli,
        needs=("ambient", "publish", "no replay"), connections=3, ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "short connections", ambient.churn, ("TRN-13",), ambient.churn_stimuli,
        needs=("ambient", "churns", "something to read"), connections=6, ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "codings on an ambient stream", ambient.coding, ("TRN-07", "TRN-16"), ambient.coding_stimuli,
        needs=("ambient",), connections=1, wait_ms=ambient.pauses_wait_ms,
        tolerates_late_ms=reading.pause_tolerates_late_ms, ambient=Ambient.PUBLISHES,
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
        "several", reading.several, ("ORD-06", "TRM-08", "TRM-12"), reading.several_stimuli,
        needs=("attached", "starts", "terminal", "independent readers"), connections=3,
    ),
    Probe(
        "across replicas", replicated.across,
        ("CAT-02", "CAT-03", "CAT-05", "CAT-06", "CAT-07", "ORD-05", "ORD-06", "ORD-07", "TRM-08", "TRM-12"),
        replicated.across_stimuli, needs=("attached", "joinable", "starts", "catchup", "terminal", "replicas"),
        scripted=("ORD-05",), connections=replicated.readers,
    ),
    Probe(
        "cancel across replicas", replicated.cancelled, ("CAN-01", "CAN-02", "CAN-03", "CAN-05", "TRM-09"),
        replicated.cancelled_stimuli,
        needs=("starts", "cancel", "terminal", "replicas"), connections=replicated.readers,
    ),
    Probe(
        "broadcast across replicas", replicated.broadcast, ("ORD-04", "ORD-05", "ORD-06"),
        replicated.broadcast_stimuli, needs=("ambient", "publish", "replicas"), connections=replicated.readers,
        ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "pushes in a row", reading.pushes, ("CAT-17",), reading.pushes_stimuli,
        needs=("push", "control", "no replay"), connections=1, starts=2,
    ),
    Probe(
        "cancel", cancelling.active,
        ("CAN-01", "CAN-02", "CAN-03", "CAN-04", "CAN-05", "TRM-09"), cancelling.active_stimuli,
        needs=("starts", "cancel", "terminal"), connections=3,
    ),
    Probe(
        "cancel finished", cancelling.finished, ("CAN-03", "CAN-04"), cancelling.finished_stimuli,
        needs=("starts", "cancel", "terminal"), connections=2,
    ),
    Probe(
        "cursors", resuming.cursors, ("CAT-05", "CAT-06", "CAT-07", "CAT-08", "CAT-09", "CAT-10", "CAT-21"),
        resuming.cursors_stimuli, needs=("starts", "cursor", "terminal"), connections=14,
    ),
    Probe(
        "own cuts", resuming.own, ("TRN-11", "CAT-05", "CAT-06", "CAT-07"), resuming.own_stimuli,
        needs=("streaming start", "catchup", "terminal", "outlives its readers"), connections=2,
    ),
    Probe(
        "deserted", resuming.deserted, ("TRN-11", "CAT-05", "CAT-06", "CAT-07"), resuming.deserted_stimuli,
        needs=("starts", "catchup", "terminal", "outlives its readers"), connections=1,
    ),
    Probe(
        "left alone", leaving.left_alone, ("CAN-06", "TRN-11"), leaving.stimuli,
        needs=("leaving", "record", "starts"), connections=1, wait_ms=leaving.wait_ms,
    ),
    Probe(
        "cuts", resuming.cuts, ("TRN-11", "CAT-03", "CAT-05", "CAT-06", "CAT-07", "TRM-08", "TRM-12"),
        resuming.cuts_stimuli,
        needs=("attached", "starts", "catchup", "terminal"), connections=9,
    ),
    Probe(
        "inside", resuming.inside, ("TRN-11", "CAT-03", "CAT-05", "CAT-06", "CAT-07"), resuming.inside_stimuli,
        needs=("attached", "starts", "catchup", "terminal"), connections=6,
    ),
    Probe(
        "Last-Event-ID", resuming.event_id, ("CAT-13",), resuming.event_id_stimuli,
        needs=("starts", "last-event-id", "terminal"), connections=8,
    ),
    Probe(
        "late", reading.late, ("CAT-03", "CAT-04", "CAT-07", "TRM-08", "TRM-12"), reading.late_stimuli,
        needs=("attached", "starts", "catchup", "terminal"), connections=lambda setting: setting.effort.joins + 1,
    ),
    Probe(
        "codings", reading.coding, ("TRN-07", "TRN-16"), reading.coding_stimuli,
        needs=("starts", "terminal"), connections=1, wait_ms=reading.pause_wait_ms,
        tolerates_late_ms=reading.pause_tolerates_late_ms,
    ),
    Probe(
        "cancel race", cancelling.race, ("CAN-03", "TRM-02"), cancelling.race_stimuli,
        needs=("starts", "cancel", "terminal"), connections=4, starts=cancelling.races_of,
    ),
    Probe(
        "race", crowds.race, ("TRM-08", "TRM-12", "CAT-03"), crowds.race_stimuli,
        needs=("attached", "starts", "catchup", "terminal"), connections=10, starts=crowds.races_of,
    ),
    Probe(
        "many", crowds.many, ("TRN-12",), crowds.many_stimuli,
        needs=("attached", "starts", "readers", "terminal"), connections=crowds.many_readers,
    ),
    Probe(
        "left in a burst", crowds.hasty, ("TRN-11", "ORD-05", "CAT-02"), crowds.hasty_stimuli,
        needs=("starts", "attached", "joinable", "independent readers", "terminal"), scripted=("ORD-05",),
        connections=3,
    ),
    Probe(
        "two runs at once", crowds.beside, ("ORD-05", "CAT-02", "CAT-03"), crowds.beside_stimuli,
        needs=("starts", "attached", "joinable", "terminal"), scripted=("ORD-05",), connections=3, starts=2,
    ),
    Probe(
        "churn", crowds.churn, ("TRN-13",), crowds.churn_stimuli,
        needs=("attached", "starts", "cancel", "terminal", "churns"), connections=6,
    ),
    Probe(
        # A run of its own work that is larger than the buffers of a reader that stalls is rare: a script makes one.
        "slow", crowds.slow, ("TRN-10",), crowds.slow_stimuli,
        needs=("starts", "independent readers", "terminal"), scripted=("TRN-10",), connections=2, alone=True,
    ),
    Probe(
        "restart", restarting.restart, ("CAT-14", "CAT-15", "CAT-16", "CAT-20"), restarting.restart_stimuli,
        needs=("after restart", "starts", "launch"), connections=3, starts=2, alone=True,
    ),
)  # fmt: skip
