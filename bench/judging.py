"""How fast, and in how much memory, a recorded stream is judged, against what a test's author would write by hand.

Ours: load the trace file, frames, JSON, schema, every check. The peers look at frames, JSON and schema alone. Costs are
CPU seconds an event, of child processes, in turns; a slow peer takes fewer events, as its time is linear. What comes
of it is asserted: PASS on named ids, and that a defect in the last event is found. `--events 1000000` is the whole.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.peers.decoding import DISCRIMINATORS, schemas
from bench.recorded import PROFILES, body, trace
from bench.turns import Ratio, in_turns, ratio, record, tell
from streamvet.contract.loading import load_profile
from streamvet.outcome import Verdict
from streamvet.systems import judge_of
from streamvet.trace import dump, load

EVENTS, TURNS = 100_000, 3
PEER_EVENTS = {"one-of": 3_000, "dispatched": 10_000, "compiled": 100_000, "node": 100_000}  # some seconds each
# Of the peers, as a CPU second judges events: what is aimed at. `compiled` has no target: it is code in Rust and C.
TARGETS = {"one-of": 50.0, "dispatched": 6.0, "compiled": None, "node": 0.5}
NAMES = {
    "one-of": "httpx-sse or lines, json, jsonschema with `oneOf`",
    "dispatched": "the same, a validator for each type",
    "compiled": "lines of aiohttp, json, jsonschema-rs",
    "node": "Node: eventsource-parser or lines, JSON.parse, ajv",
}
BYTES_AN_EVENT = 250.0  # of memory, beyond what the judge takes for itself
GROWTH = 1.25  # the time of ten times the events may be ten times this
LIMIT = "the parsing of JSON in Python, which every event needs, and a Python call for each check that looks at it"
FOUND = {"sse": "EVT-08", "ndjson": "EVT-08"}  # the requirement that the defect violates
MUST_PASS = {
    "sse": ("TRN-02", "SSE-01", "SSE-02", "EVT-02", "EVT-08", "ORD-01", "ORD-02", "TRM-01", "TRM-03"),
    "ndjson": ("TRN-02", "NDJ-01", "NDJ-02", "EVT-02", "EVT-08", "ORD-02", "TRM-01", "TRM-03"),
}
_ROOT = Path(__file__).resolve().parents[1]


def judged(framing: str, path: Path) -> dict[str, str]:
    """The verdicts on a trace file."""
    bench = judge_of(load_profile(PROFILES[framing]))
    with path.open(encoding="utf-8") as lines:
        bench.add(load(lines, str(path)))
    return {ruling.requirement.id: ruling.verdict.value for ruling in bench.rulings()}


def peak_bytes() -> int:
    """The most memory that this process has had; `ru_maxrss` would count that of the one which has started it, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024


def child(*words: str) -> dict[str, Any]:
    """What a process prints: its CPU seconds, and more."""
    done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=_ROOT)
    return dict(json.loads(done.stdout))


def measure(framing: str, path: Path) -> None:
    """In the child: judge a file, then say what it took."""
    begun_s = time.process_time()
    judge_of(load_profile(PROFILES[framing])) if path.name == "none" else judged(framing, path)
    took_s = time.process_time() - begun_s
    print(json.dumps({"cpu_s": took_s, "peak_bytes": peak_bytes()}))


def ours(framing: str, path: Path) -> dict[str, Any]:
    """Judge a file in a process of its own."""
    return child(sys.executable, __file__, "--child", framing, str(path))


def write(folder: Path, framing: str, events: int, *, defect: bool = False) -> Path:
    """A trace file of a run of so many events."""
    path = folder / f"{framing}-{events}{'-defect' if defect else ''}.trace.ndjson"
    if not path.exists():
        with path.open("w", encoding="utf-8") as file:
            file.writelines(dump(trace(framing, body(framing, events, defect=defect))))
    return path


def peers(folder: Path, framing: str) -> dict[str, Any]:
    """For each peer that can be had: what measures its CPU seconds an event."""
    words: dict[str, list[str]] = {
        name: [sys.executable, "-m", "bench.peers.decoding", name, framing]
        for name in ("one-of", "dispatched", "compiled")
    }
    files = folder / f"{framing}.schemas.json"
    files.write_text(json.dumps(schemas(framing)), encoding="utf-8")
    node, modules = shutil.which("node"), _ROOT / "bench" / "node_modules"
    after: dict[str, list[str]] = {"node": [str(files), *DISCRIMINATORS[framing]]}
    if node is not None and modules.is_dir():
        words["node"] = [node, "bench/peers/decoder.mjs", framing]

    def measuring(name: str) -> Any:
        raw = folder / f"{name}.{framing}"
        raw.write_bytes(body(framing, PEER_EVENTS[name]))

        def cost() -> float:
            told = child(*words[name], str(raw), *after.get(name, []))
            if told["result"]["valid"] < PEER_EVENTS[name]:
                raise SystemExit(f"{name} takes only {told['result']['valid']} of {PEER_EVENTS[name]} events for valid")
            return float(told["cpu_s"]) / PEER_EVENTS[name]

        return cost

    return {name: measuring(name) for name in words}


def compared(folder: Path, framing: str, events: int, turns: int) -> tuple[list[Ratio], dict[str, float], list[str]]:
    """The ratios of one framing; what was measured of ours alone; and what is wrong with it."""
    whole, tenth = write(folder, framing, events), write(folder, framing, events // 10)
    others = peers(folder, framing)
    costs = in_turns({"ours": lambda: float(ours(framing, whole)["cpu_s"]) / events, **others}, turns)
    found = [
        ratio(
            f"judging {framing}", NAMES[name], costs["ours"], costs[name], "CPU seconds an event", target=TARGETS[name],
            limit=LIMIT,
        )
        for name in others
    ]  # fmt: skip
    nothing, small, large = ours(framing, Path("none")), ours(framing, tenth), ours(framing, whole)
    facts = {
        "bytes_an_event": round((large["peak_bytes"] - small["peak_bytes"]) / (events - events // 10), 1),
        "growth": round((large["cpu_s"] - nothing["cpu_s"]) / 10 / (small["cpu_s"] - nothing["cpu_s"]), 3),
        "events_a_cpu_second": round(events / (large["cpu_s"] - nothing["cpu_s"])),
    }
    verdicts = judged(framing, write(folder, framing, 1000))
    broken = judged(framing, write(folder, framing, events, defect=True))
    wrong = [f"{one} is {verdicts[one]}" for one in MUST_PASS[framing] if verdicts[one] != Verdict.PASS.value]
    if broken[FOUND[framing]] != Verdict.FAIL.value:
        wrong.append(f"{framing}: the defect in the last event was not found")
    return found, facts, wrong


def main() -> int:
    """Run the benchmark; exit 1 where something is judged wrongly. A target that is missed is told, and is no error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--framing", choices=sorted(PROFILES), action="append")
    parser.add_argument("--record", action="store_true", help="write bench/results.json")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        measure(given.child[0], Path(given.child[1]))
        return 0
    failures = []
    with tempfile.TemporaryDirectory() as name:
        for framing in given.framing or PROFILES:
            ratios, facts, wrong = compared(Path(name), framing, given.events, given.turns)
            tell(ratios)
            print(
                f"judging {framing}: {facts['events_a_cpu_second']:,.0f} events a CPU second, "
                f"{facts['bytes_an_event']:.0f} bytes an event (aimed at {BYTES_AN_EVENT:.0f}), "
                f"{facts['growth']:.2f} x linear (aimed at {GROWTH})"
            )
            failures += wrong
            if given.record:
                record(f"judging-{framing}", {"events": given.events, **facts}, ratios)
    for failure in failures:
        print(f"FAILED: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
