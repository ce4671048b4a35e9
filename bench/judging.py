"""How fast and in how much memory a recorded stream is judged, against what a test author would write by hand.

Ours: load the trace file, frames, JSON, schema, every check. The peer: httpx-sse, json and one jsonschema validator
with a flat `oneOf` over the event types, in the same run on the same bytes. Times are CPU seconds of child processes;
only their ratio means anything. What is judged is asserted: PASS on named ids, and a defect in the last event is found.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path

from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.outcome import Verdict
from streamvet.systems import judge_of
from streamvet.trace import Ending, Exchange, Head, Request, Trace, dump, load

EVENTS = 100_000
PEER_EVENTS = 5_000  # the peer is linear and slow: its time is taken on this many and scaled up
FASTER = 10.0  # at least this many times
MEMORY = 4.0  # at most this many times the trace file
MUST_PASS = ("TRN-02", "SSE-01", "SSE-02", "EVT-02", "EVT-08", "ORD-01", "ORD-02", "ORD-03", "TRM-01", "TRM-03")
AT = "2026-03-14T09:26:53.589Z"


def body(events: int, *, defect: bool) -> bytes:
    """A ghostly run: status, `events` assist events of about 120 bytes, final status, end."""
    blocks = [f'event: status\ndata: {{"kind":"status","status":"running","at":"{AT}"}}\nid: 1\n\n']
    for seq in range(1, events):
        kind = "memory_hit" if seq % 2 else "loop_state"
        data = f'{{"kind":"assist","type":"{kind}","seq":{seq},"at":"{AT}","payload":{{"horizon":{seq % 9}}}}}'
        blocks.append(f"event: assist\ndata: {data}\nid: {seq + 1}\n\n")
    payload = "[]" if defect else "{}"
    data = f'{{"kind":"assist","type":"run_end","seq":{events},"at":"{AT}","payload":{payload}}}'
    blocks.append(f"event: assist\ndata: {data}\nid: {events + 1}\n\n")
    blocks.append(f'event: status\ndata: {{"kind":"status","status":"pass","at":"{AT}"}}\nid: {events + 2}\n\n')
    blocks.append(f'event: end\ndata: {{"kind":"end","at":"{AT}"}}\nid: {events + 3}\n\n')
    return "".join(blocks).encode()


def trace(data: bytes) -> Trace:
    """The bytes as one exchange, in reads of 4 KiB, as a fast stream arrives."""
    profile, registry = load_profile("ghostly"), load_registry()
    ends = array("q", [*range(4096, len(data), 4096), len(data)])
    times = array("q", range(2000, 2000 + len(ends)))
    head = Head(200, "HTTP/1.1", (("content-type", "text/event-stream"), ("transfer-encoding", "chunked")), 1000)
    about = {"meant": "stream", "account": "primary", "run": "r1", "run_id": "b1", "kind": "run"}
    exchange = Exchange(
        "x1", "attach", "reader", about, Request("GET", "http://127.0.0.1:1/v1/runs/b1/events/stream", (), None),
        0, head, data, ends, times, Ending.COMPLETE, times[-1] + 1,
    )  # fmt: skip
    return Trace("bench", {"name": "bench"}, (exchange,), "ghostly", profile.digest, registry.revision)


def judge_file(path: Path) -> dict[str, str]:
    """The verdicts on a trace file."""
    bench = judge_of(load_profile("ghostly"))
    with path.open(encoding="utf-8") as lines:
        bench.add(load(lines, str(path)))
    return {ruling.requirement.id: ruling.verdict.value for ruling in bench.rulings()}


def peer(path: Path) -> int:
    """httpx-sse, json and jsonschema over the same bytes; gives the number of valid events."""
    from httpx_sse._decoders import SSEDecoder  # noqa: PLC0415 - only the peer's process loads it
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    profile = load_profile("ghostly")
    files = sorted({file for file in profile.types.values() if "ping" not in file})
    validator = Draft202012Validator({"oneOf": [profile.schemas.read(file) for file in files]})
    decoder, valid = SSEDecoder(), 0
    for line in path.read_bytes().decode().split("\n"):
        event = decoder.decode(line)
        if event is not None and event.data:
            valid += validator.is_valid(json.loads(event.data))
    return valid


def child(what: str, path: Path) -> dict[str, float]:
    """Run one side in a process of its own: CPU seconds and peak resident bytes."""
    done = subprocess.run([sys.executable, __file__, what, str(path)], check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def measure(what: str, path: Path) -> None:
    """In the child: do it, then say what it took."""
    started = time.process_time()
    result = judge_file(path) if what == "ours" else {"valid": peer(path)} if what == "peer" else {}
    took = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"cpu_s": took, "peak_bytes": peak, "result": result}))


def write(folder: Path, events: int, *, defect: bool = False) -> Path:
    """A trace file of a run of so many events."""
    path = folder / f"{events}{'-defect' if defect else ''}.trace.ndjson"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(dump(trace(body(events, defect=defect))))
    return path


def main() -> int:
    """Run the benchmark; exit 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    events = parser.parse_args().events
    failures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, whole = write(folder, events // 10), write(folder, events)
        raw = folder / "peer.sse"
        raw.write_bytes(body(PEER_EVENTS, defect=False))
        baseline, tenth, ours, theirs = (
            child("baseline", whole), child("ours", small), child("ours", whole), child("peer", raw),
        )  # fmt: skip
        verdicts = judge_file(write(folder, 1000))
        broken = judge_file(write(folder, events, defect=True))
        size = whole.stat().st_size
    faster = theirs["cpu_s"] * events / PEER_EVENTS / ours["cpu_s"]
    memory = (ours["peak_bytes"] - baseline["peak_bytes"]) / size
    growth = ours["cpu_s"] / tenth["cpu_s"]
    print(f"judging {events:,} events: {ours['cpu_s']:.2f} s, {events / ours['cpu_s']:,.0f} events/s")
    peers_rate = PEER_EVENTS / theirs["cpu_s"]
    print(f"httpx-sse + json + jsonschema oneOf: {peers_rate:,.0f} events/s; ours is {faster:.0f} x as fast")
    print(f"peak memory {memory:.1f} x the trace file of {size / 1e6:.1f} MB")
    print(f"ten times the events take {growth:.1f} x the time")
    failures += [f"{one} is {verdicts[one]}" for one in MUST_PASS if verdicts[one] != Verdict.PASS.value]
    failures += [] if broken["EVT-08"] == Verdict.FAIL.value else ["the defect in the last event was not found"]
    failures += [] if faster >= FASTER else [f"less than {FASTER} x as fast"]
    failures += [] if memory <= MEMORY else [f"more than {MEMORY} x the trace file"]
    for failure in failures:
        print(f"FAILED: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in ("ours", "peer", "baseline"):
        measure(sys.argv[1], Path(sys.argv[2]))
    else:
        sys.exit(main())
