"""How the cost of judging grows: the time and the memory of one event, one reader, one trace, at two sizes in one run.

The sizes are ten times apart, or as many decades as `--decades` says. Costs are CPU seconds, in some turns, and
the most bytes that Python allocates at once.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import tracemalloc
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.recorded import PROFILES, body, trace
from bench.turns import Ratio, record, tell
from streamvet.contract.loading import load_profile
from streamvet.systems import judge_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamvet.trace import Trace

TURNS = 3
# Below this the cost of one grows with their number: caches and the collector of garbage cost a linear judge some
# tenths, a quadratic one is at 0.1.
LEAST = 0.6
LIMIT = "each event is looked at once"
TENFOLD = 10


@dataclass(frozen=True, slots=True)
class Axis:
    """What there is more and more of: makes the traces of a number of it."""

    what: str
    of: Callable[[int], Sequence[Trace]]
    smallest: int


def _events(framing: str) -> Callable[[int], Sequence[Trace]]:
    return lambda count: [trace(framing, body(framing, count))]


def _readers(count: int) -> Sequence[Trace]:
    """So many readers of one run of a hundred events."""
    whole = trace("sse", body("sse", 100))
    (exchange,) = whole.exchanges
    return [replace(whole, exchanges=tuple(replace(exchange, id=f"x{number}") for number in range(1, count + 1)))]


def _traces(count: int) -> Sequence[Trace]:
    """So many traces of a run of twenty events each."""
    whole = trace("sse", body("sse", 20))
    return [replace(whole, name=f"trace-{number}") for number in range(count)]


AXES = (
    Axis("events, SSE", _events("sse"), 1000),
    Axis("events, NDJSON", _events("ndjson"), 1000),
    Axis("readers of a run", _readers, 8),
    Axis("traces", _traces, 30),
)


def judge(traces: Sequence[Trace]) -> None:
    """Judge traces of one profile."""
    bench = judge_of(load_profile(traces[0].profile or PROFILES["sse"]))
    for one in traces:
        bench.add(one)
    bench.rulings()


def cpu_s(traces: Sequence[Trace]) -> float:
    """The CPU seconds of judging."""
    begun_s = time.process_time()
    judge(traces)
    return time.process_time() - begun_s


def most_bytes(traces: Sequence[Trace]) -> float:
    """How much Python allocates at most while it judges."""
    tracemalloc.start()
    try:
        judge(traces)
        return float(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def grown(
    axis: Axis, cost: Callable[[Sequence[Trace]], float], unit: str, *, turns: int = TURNS, decades: int = 1
) -> Ratio:
    """The cost of one at the smallest size over that at the largest: 1 is linear, less is worse.

    The fixed cost, that of judging one of them, is taken off.
    """
    small = axis.smallest
    large = small * TENFOLD**decades
    some, many, one = axis.of(small), axis.of(large), axis.of(2)
    cost(one)  # what is read and compiled once
    pairs = []
    for _ in range(turns):
        fixed, of_some, of_many = cost(one), cost(some), cost(many)
        pairs.append(((of_some - fixed) / (small - 2), (of_many - fixed) / (large - 2)))
    each = sorted(a / b for a, b in pairs)
    theirs, mine = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    return Ratio(
        f"growth with {axis.what}, {unit}", f"one of {small}, against one of {large}",
        round(statistics.median(each), 3), round(each[0], 3), round(each[-1], 3), turns, unit, mine, theirs, LEAST,
        LIMIT,
    )  # fmt: skip


def main() -> int:
    """Measure every axis."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decades", type=int, default=1)
    parser.add_argument("--record", action="store_true", help="write bench/results.json")
    given = parser.parse_args()
    ratios = [grown(axis, cpu_s, "CPU seconds", decades=given.decades) for axis in AXES]
    ratios += [grown(axis, most_bytes, "bytes", turns=1, decades=given.decades) for axis in AXES[:2]]
    tell(ratios)
    if given.record:
        record("growth", {"decades": given.decades}, ratios)
    return 0


if __name__ == "__main__":
    sys.exit(main())
