"""Faults of how agent-workspace does what others do too: frames, heartbeats, first snapshots, its one last event.

It must not know HTTP or the state that is shown.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.catchup import FIRST_LATE_S, FIRST_LEGAL_S
from streamvet_server.faults.fault import AGENT_WORKSPACE, Fault
from streamvet_server.faults.heartbeat import STALE_MS, Gap, late, legal, put_off
from streamvet_server.faults.shapes import Make, answer_of, piecing, reads, told, with_key, written
from streamvet_server.faults.terminal import LATE_S, LEGAL_S
from streamvet_server.log import now_ms
from streamvet_server.seams import Answer, Close, Held, Pause, Piece, Scene, Seams, Shown
from streamvet_server.systems.agent_workspace.accounts import ACCOUNTS
from streamvet_server.systems.agent_workspace.faults.connections import to_returned
from streamvet_server.wire import sse_block

if TYPE_CHECKING:
    from collections.abc import Iterable

OLD = 0.85  # of the time that a stream may last
# An idle stream should last 60 s: it is closed after nine tenths of that, when others are over; or when the platform's
# limit may have done it.
CLOSED_EARLY, CLOSED_LEGALLY = 54 / 300, 276 / 300
HEARTBEAT_TOLERANCE_S = 3.5  # of a heartbeat's 15 s: a poll and a little
BACK_MS = 500  # a heartbeat of then is still close to now


def is_rare(shown: Shown) -> bool:
    """Whether an event is the first one with log lines: on few streams there are some to begin with."""
    return shown.replayed and shown.name == "fleet_logs"


def is_heartbeat(shown: Shown) -> bool:
    """Whether an event is one."""
    return shown.name == "heartbeat"


def _closed_after(part: float) -> Make:
    """Every stream is closed after this part of the time that it may last."""
    return lambda: Seams(clock=lambda _scene, wait, seconds: part * seconds if wait == "cap" else seconds)


def _as_snapshot_too(octets: bytes) -> bytes:
    return octets + octets.replace(b"event: fleet_update", b"event: fleet_snapshot", 1)


def _held_back(gap_s: Gap) -> Make:
    """A heartbeat behind which there was only silence is kept back, but an event takes it along."""

    def clock(scene: Scene, wait: str, seconds: float) -> float:
        if wait == "ping":
            scene.scratch["interval_s"] = seconds
        return seconds

    def frame(shown: Shown, octets: bytes) -> Iterable[Piece]:
        scratch = shown.scene.scratch
        if not is_heartbeat(shown):
            scratch["busy"] = not shown.replayed
            return (octets,)
        if scratch.pop("busy", False):
            return (octets,)
        interval_s = scratch["interval_s"]
        late_s = gap_s(interval_s) - interval_s
        scratch["held"] = late_s >= interval_s and not scratch.get("held", False)
        if late_s >= interval_s and not scratch["held"]:
            return ()  # due with the one that is held, where intervals are small: it would let that one out
        return (Held(octets, late_s),)

    return lambda: Seams(clock=clock, frame=frame)


def _as_text(_shown: Shown, document: Any) -> Iterable[Any]:
    return ([document[0]["message"], *document[1:]],)


def _load_error(shown: Shown) -> bool:
    """Whether an event is the only terminal one."""
    return shown.name == "error"


def _update_of_the_second(shown: Shown) -> bool:
    """Whether an event is an update for the second account, which sees less than the first one."""
    from streamvet_server.systems.agent_workspace.tokens import of_session  # noqa: PLC0415 -- other faults need no JWT

    session = shown.scene.headers.get("Cookie", "").partition("=")[2]
    return shown.name == "fleet_update" and of_session(session) == ACCOUNTS[1][0]


def _renamed_error() -> Seams:
    def head(scene: Scene, answer: Answer) -> Answer:
        refused = reads(scene) and answer.status == 401
        return replace(answer, document={"message": answer.document["error"]}) if refused else answer

    return Seams(head=head)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "idle-stream-closed", "TRN-15", AGENT_WORKSPACE,
        "A stream is closed after 54 s, nine tenths of what it should last.",
        _closed_after(CLOSED_EARLY),
    ),
    Fault(
        "idle-stream-closed-but-legal", None, AGENT_WORKSPACE,
        "A stream is closed after 276 s, where the platform's limit may have closed it.",
        _closed_after(CLOSED_LEGALLY),
    ),
    Fault(
        "block-begun-at-the-end", "SSE-01", AGENT_WORKSPACE,
        "After the error event another block begins and does not end.",
        written(lambda shown: shown.name == "error", lambda octets: octets + b"event: closing\n"),
    ),
    Fault(
        "octet-that-is-no-character", "EVT-01", AGENT_WORKSPACE,
        "The text of a log line has an octet that is not UTF-8.",
        written(is_rare, lambda octets: octets.replace(b'"message":"', b'"message":"\xc3', 1)), rare=True,
    ),
    Fault(
        "log-line-as-text", "EVT-08", AGENT_WORKSPACE, "A log line is its text alone instead of an object.",
        told(is_rare, _as_text), rare=True,
    ),
    Fault(
        "level-in-capitals", "EVT-12", AGENT_WORKSPACE, "A log line has its level in capitals.",
        told(is_rare, with_key("level", "INFO")), rare=True,
    ),
    Fault(
        "login-answers-a-list", "EVT-10", AGENT_WORKSPACE, "The answer to a login is a list.",
        answer_of("login", lambda _scene, answer: replace(answer, document=[answer.document])),
    ),
    Fault(
        "unlisted-type", "EVT-11", AGENT_WORKSPACE, "An event of an unlisted type follows each update.",
        written(lambda shown: shown.name == "fleet_update", lambda octets: octets + sse_block("fleet_done", "{}")),
    ),
    Fault(
        "snapshot-again", "ORD-01", AGENT_WORKSPACE, "Each update comes as a snapshot too.",
        written(lambda shown: shown.name == "fleet_update", _as_snapshot_too),
    ),
    Fault(
        "heartbeat-late", "HBT-01", AGENT_WORKSPACE,
        "In silence a heartbeat comes after one and a half times the allowed time.",
        _held_back(late(HEARTBEAT_TOLERANCE_S)),
    ),
    Fault(
        "heartbeat-late-but-legal", None, AGENT_WORKSPACE, "In silence a heartbeat uses half of its tolerance.",
        _held_back(legal(HEARTBEAT_TOLERANCE_S)),
    ),
    Fault(
        "heartbeat-put-off", "HBT-02", AGENT_WORKSPACE,
        "Events postpone a heartbeat to one and a half times the allowed time.",
        put_off(is_heartbeat, late(HEARTBEAT_TOLERANCE_S), intervals=math.inf),
    ),
    Fault(
        "heartbeat-put-off-but-legal", None, AGENT_WORKSPACE,
        "Events postpone a heartbeat, by at most half of its tolerance.",
        put_off(is_heartbeat, legal(HEARTBEAT_TOLERANCE_S), intervals=math.inf),
    ),
    Fault(
        "heartbeat-stale", "HBT-04", AGENT_WORKSPACE, "A heartbeat carries the time of nine seconds ago.",
        told(is_heartbeat, lambda _shown, told_: ({"ts": told_["ts"] - STALE_MS},)),
    ),
    Fault(
        "heartbeat-goes-back", "HBT-06", AGENT_WORKSPACE,
        "Each heartbeat is followed by one with a time half a second before it.",
        told(is_heartbeat, lambda _shown, told_: (told_, {"ts": told_["ts"] - BACK_MS})),
    ),
    Fault(
        "heartbeat-before-the-snapshot", "CAT-01", AGENT_WORKSPACE,
        "A reader that returns after a restart gets a heartbeat before its snapshot.",
        to_returned(lambda octets: (sse_block("heartbeat", f'{{"ts":{now_ms()}}}'), octets)),
    ),
    Fault(
        "snapshot-late", "CAT-19", AGENT_WORKSPACE,
        "A reader that returns after a restart gets its snapshot after 1.5 s.",
        to_returned(lambda octets: (Pause(FIRST_LATE_S), octets)),
    ),
    Fault(
        "snapshot-late-but-legal", None, AGENT_WORKSPACE,
        "A reader that returns after a restart gets its snapshot after 0.75 s.",
        to_returned(lambda octets: (Pause(FIRST_LEGAL_S), octets)),
    ),
    Fault(
        "silent-after-a-crash", "CAT-18", AGENT_WORKSPACE,
        "The stream of a reader that returns after a restart stays silent.",
        to_returned(lambda _octets: (Close.NEVER,)),
    ),
    Fault(
        "closed-behind-an-update", "TRM-01", AGENT_WORKSPACE,
        "The second account's stream is closed after its first update.",
        lambda: piecing(_update_of_the_second, lambda _shown, octets: (octets, Close.CLEAN)),
    ),
    Fault(
        "error-twice", "TRM-02", AGENT_WORKSPACE, "The error event comes twice.",
        told(_load_error, lambda _shown, error: (error, error)),
    ),
    Fault(
        "heartbeat-behind-the-error", "TRM-03", AGENT_WORKSPACE, "A heartbeat follows the error event.",
        lambda: piecing(_load_error, lambda _shown, octets: (octets, sse_block("heartbeat", f'{{"ts":{now_ms()}}}'))),
    ),
    Fault(
        "error-never-closed", "TRM-04", AGENT_WORKSPACE, "The stream stays open after its error event.",
        lambda: piecing(_load_error, lambda _shown, octets: (octets, Close.NEVER)),
    ),
    Fault(
        "error-closed-late", "TRM-11", AGENT_WORKSPACE, "The stream is closed 1.5 s after its error event.",
        lambda: piecing(_load_error, lambda _shown, octets: (octets, Pause(LATE_S))),
    ),
    Fault(
        "error-closed-late-but-legal", None, AGENT_WORKSPACE, "The stream is closed 0.75 s after its error event.",
        lambda: piecing(_load_error, lambda _shown, octets: (octets, Pause(LEGAL_S))),
    ),
    Fault(
        "refusal-without-error", "ACC-07", AGENT_WORKSPACE, "A 401 answer has its text under another key.",
        _renamed_error,
    ),
)  # fmt: skip
