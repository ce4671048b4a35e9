"""How exactly the suite times what arrives: a peer that sends exact beats and says in each when it was sent.

Both clocks are the monotonic one of the machine. The error of a beat is from the moment before the peer's write to the
arrival that the recorder notes: the time of the loopback is in it. `--beside N` reads so many streams of a hundred
events a second at the same time, as a busy run does.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from bench.fanout import free_port
from bench.turns import RESULTS, record
from streamvet.contract.loading import load_profile
from streamvet.decode import frames
from streamvet.recorder import Ask, Recorder, Secrets, Tape

if TYPE_CHECKING:
    from streamvet.trace import Exchange

BEATS, PERIOD_S, BESIDE, BUSY_S = 10, 1.0, 20, 0.01
MEDIAN_MS, WORST_MS = 0.1, 2.0  # aimed at on a machine that does nothing else
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_UP_S, _SPIN_S = 30.0, 0.002


async def _serve(port: int) -> None:
    """The peer: `GET /PERIOD/COUNT` is answered with so many events, as exactly as its loop can."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:  # whoever has only looked whether it listens
            writer.close()
            return
        _, period, count = line.split()[1].decode().split("/")
        writer.write(HEAD)
        due_s = time.monotonic()
        for _ in range(int(count)):
            due_s += float(period)
            exact = float(period) >= PERIOD_S
            await asyncio.sleep(max(0.0, due_s - time.monotonic() - (_SPIN_S if exact else 0.0)))
            while exact and time.monotonic() < due_s:  # the rest of the way without the timer's own lateness
                pass
            block = b"data: %d\n\n" % (time.monotonic_ns() // 1000)
            writer.write(b"%x\r\n%b\r\n" % (len(block), block))
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    await server.serve_forever()


def peer() -> tuple[subprocess.Popen[bytes], int]:
    """Start one in a process of its own; its address answers."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.precision", "--serve", str(port)])
    return process, port


async def _listening(port: int) -> None:
    async with asyncio.timeout(_UP_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


def errors_us(exchange: Exchange, zero_us: int) -> list[int]:
    """How long after its sending each event was noted."""
    found, at = [], 0
    profile = load_profile("ghostly")
    for frame in frames(exchange, profile):
        text = exchange.body[frame.start : frame.end]
        if text.startswith(b"data: "):
            sent_us = int(text.removeprefix(b"data: ").split()[0])
            while exchange.ends[at] < frame.end:
                at += 1
            found.append(zero_us + exchange.times[at] - sent_us)
    return found


async def measured(beats: int, beside: int) -> list[int]:
    """The errors of the exact beats, while so many busy streams are read beside them."""
    processes = [peer(), *([peer()] if beside else [])]
    try:
        for _, port in processes:
            await _listening(port)
        async with Recorder(load_profile("ghostly"), Secrets()) as recorder:
            tape = Tape(recorder)

            def ask(port: int, path: str) -> Any:
                return tape.send(Ask("attach", "reader", "GET", f"http://127.0.0.1:{port}{path}"))

            exact = ask(processes[0][1], f"/{PERIOD_S}/{beats}")
            count = int(beats * PERIOD_S / BUSY_S)
            busy = [ask(processes[-1][1], f"/{BUSY_S}/{count}") for _ in range(beside)]
            await asyncio.gather(*(one.ended(beats * PERIOD_S * 3 + _UP_S) for one in (exact, *busy)))
            return errors_us((await tape.exchanges())[0], tape.zero_us)
    finally:
        for process, _ in processes:
            process.kill()
            process.wait()


def main() -> int:
    """Measure alone and beside others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beats", type=int, default=BEATS)
    parser.add_argument("--beside", type=int, default=BESIDE)
    parser.add_argument("--record", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(_serve(given.serve))
        return 0
    facts: dict[str, object] = {"beats": given.beats}
    for name, beside in (("alone", 0), (f"beside_{given.beside}_streams", given.beside)):
        errors = asyncio.run(measured(given.beats, beside))
        median_ms, worst_ms = statistics.median(errors) / 1000, max(errors) / 1000
        facts |= {f"{name}_median_ms": round(median_ms, 3), f"{name}_worst_ms": round(worst_ms, 3)}
        aim = f" (aimed at {MEDIAN_MS} and {WORST_MS} on a quiet machine)" if not beside else ""
        print(f"{name}: {len(errors)} beats, error {median_ms:.3f} ms in the median, {worst_ms:.3f} ms at worst{aim}")
    if given.record:
        record("precision", facts, [])
    return 0


if __name__ == "__main__":
    sys.exit(main())
