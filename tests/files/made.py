"""Good files of each kind, small: what is made wrong of them is then seldom in a corner."""

from __future__ import annotations

from typing import Any

from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.examples import all_examples
from streamvet.trace import dump

TARGETS = {
    "ghostly": """\
profile: ghostly
base_url: http://127.0.0.1:9
credentials: {email: a@example.org, password: correct horse}
other_credentials: {token: abcdef}
inputs:
  run: {succeeds: {target: {url: "http://a/"}, steps: []}, fails: {}, long: {}}
existing: {finished: r1, active: r2}
max_starts: 5
max_concurrency: 7
time_scale: 0.5
launch: {command: [nothing, --port, "9"], cwd: ., env: {PORT: "9"}, ready: {path: /, within_ms: 10}}
""",
    "agent-workspace": """\
profile: agent-workspace
base_url: http://127.0.0.1:9/api/
control: /_conformance
directory: .
triggers:
  change: {command: [touch, a]}
lacks: []
""",
}
WAIVERS = """\
- {id: SSE-01, reason: known, expires: "2030-01-31"}
- {id: SSE-02, reason: never tried, accepts: INCONCLUSIVE}
"""


def trace_text() -> str:
    """A trace file with some exchanges."""
    return "".join(dump(next(one.good for one in all_examples() if one.base == "ghostly-straight")))


_GHOSTLY = load_profile("ghostly")
CASE: dict[str, Any] = {
    "format": 1, "profile": "ghostly", "digest": _GHOSTLY.digest, "revision": load_registry().revision, "seed": 0,
    "time_scale": 1.0, "probe": "program", "requirement": "EVT-03",
    "stimulus": {
        "name": "generated", "kind": "run", "outcome": "succeeds", "input": "succeeds",
        "script": [{"emit": {"type": "loop_state", "payload": {"data": {}}}}, {"wait_ms": 5}], "readers": [],
    },
    "expected": "each name once", "seen": "/payload/data", "story": "1 event", "fails": 5, "runs": 5,
}  # fmt: skip
