"""The command line: reads arguments, lists what there is, or serves until it is told to stop.

It must not know systems, runs or streams.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from streamvet_server import catalogue
from streamvet_server.app import PARTING, Settings, build
from streamvet_server.by_request import switchboards
from streamvet_server.database import Unusable
from streamvet_server.recording import Unreadable, recording
from streamvet_server.replaying import replayed
from streamvet_server.site import ADDRESSES
from streamvet_server.systems import SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from streamvet_server.catalogue import Row


_OPTIONS = {"fault": "--fault", "mode": "--nasty"}


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="streamvet_server", description="The reference server of streamvet.")
    add = parser.add_argument
    add("--profile", action="append", metavar="P", help="serve this system; alone, at the root (repeatable)")
    add("--host", default="127.0.0.1")
    add("--port", type=_port, default=8787, help="0: any free one")
    add("--also-at", type=_port, action="append", metavar="PORT", help="a further port of this process (repeatable)")
    add("--time-scale", type=_scale, default=1.0, metavar="X", help="0.05: every interval is a twentieth")
    add("--db", type=_database, default=":memory:", metavar="PATH", help="the event log's file; in memory by default")
    add("--control", action="store_true", help="serve POST /_conformance; never in production")
    add("--fault", action="append", metavar="NAME", help="commit this fault (repeatable: several at once)")
    add("--nasty", action="append", metavar="MODE", help="serve in this legal form (repeatable)")
    add("--trace", metavar="FILE", help="replay this recording instead, with its times")
    add("--list-faults", action="store_true", help="print the faults and exit")
    add("--list-modes", action="store_true", help="print the legal forms and exit")
    add("--list-accounts", action="store_true", help="print the test accounts and inputs and exit")
    add("--json", action="store_true", help="with --list-…: print JSON")
    return parser.parse_args(argv)


class _Unusable(Exception):  # noqa: N818 -- it names what the option's value is
    """A value with which one cannot serve."""

    def __init__(self, option: str, expected: str, got: str) -> None:
        super().__init__(f"{option}: expected {expected}, got {got}")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("expected a port, 0 to 65535")
    return port


def _database(text: str) -> str:
    if not text:  # SQLite would make one that is gone afterwards
        raise argparse.ArgumentTypeError("expected the path of a file, or :memory:, got ''")
    return text


def _scale(text: str) -> float:
    scale = float(text)
    if not 0 < scale <= 1000:
        raise argparse.ArgumentTypeError("expected a number above 0, at most 1000")
    return scale


def _accounts() -> Any:
    from streamvet_server.listing import accounts  # noqa: PLC0415 -- who serves systems without tokens needs no JWT

    return accounts()


async def serve(make: Callable[[], web.AppRunner], host: str, port: int, further: Sequence[int] = ()) -> None:
    """Serve until SIGTERM or SIGINT, at a port and at further ones.

    Raises:
        _Unusable: where there is no such address to listen on, or the database is none.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = make()
    await runner.setup()
    try:
        for one in (port, *further):
            await _listen(runner, host, one)
        _number(runner)
        for bound in runner.addresses[: 1 + len(further)]:
            name = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
            print(f"streamvet_server listening on http://{name}:{bound[1]}", flush=True)  # noqa: T201 -- its interface
        await stop.wait()
        part = runner.app.get(PARTING)
        if part is not None:
            await part()
    finally:
        await runner.cleanup()


def _number(runner: web.AppRunner) -> None:
    """Number the ports at which the server can be reached."""
    if runner.app.get(ADDRESSES) is not None:
        ports = dict.fromkeys(address[1] for address in runner.addresses)
        runner.app[ADDRESSES].update({port: number for number, port in enumerate(ports, 1)})


def _maker(arguments: argparse.Namespace) -> Callable[[], web.AppRunner]:
    """How the server is made: of systems, or of a recording.

    Raises:
        _Unusable: where an option cannot be served.
    """
    if arguments.trace is not None:
        return _of_trace(arguments)
    settings = _settings(arguments)

    def make() -> web.AppRunner:
        try:
            return build(settings)
        except Unusable as reason:
            raise _Unusable(f"--db {settings.db}", reason.expected, reason.got) from reason

    return make


def _of_trace(arguments: argparse.Namespace) -> Callable[[], web.AppRunner]:
    given = [name for name in ("profile", "fault", "nasty", "control") if getattr(arguments, name)]
    if given:
        raise _Unusable("--trace", "nothing beside it that is about systems", ", ".join(f"--{one}" for one in given))
    try:
        exchanges = recording(Path(arguments.trace))
    except Unreadable as reason:
        raise _Unusable(f"--trace {arguments.trace}", reason.expected, reason.got) from reason
    return lambda: replayed(exchanges, arguments.time_scale)


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, UnicodeError) as reason:
        got = (reason.strerror if isinstance(reason, OSError) else None) or str(reason)
        raise _Unusable(f"--host {host} --port {port}", "an address where one can listen", got) from reason


def _settings(arguments: argparse.Namespace) -> Settings:
    """What is to be served.

    Raises:
        _Unusable: where a system or a fault is not there, a fault is of none of these systems, or two take hold at one
            place.
    """
    profiles = tuple(dict.fromkeys(arguments.profile or SYSTEMS))
    for one in profiles:
        if one not in SYSTEMS:
            raise _Unusable("--profile", f"one of {', '.join(sorted(SYSTEMS))}", repr(one))
    faults = _rows("fault", dict.fromkeys(arguments.fault or ()), profiles)
    rows = [*faults, *_rows("mode", dict.fromkeys(arguments.nasty or ()), profiles)]
    for profile in profiles:
        clash = catalogue.clash(rows, profile)
        if clash is not None:
            raise _Unusable("--fault, --nasty" if len(rows) > len(faults) else "--fault", *clash)
    settings = Settings(
        profiles=profiles,
        scale=arguments.time_scale,
        db=arguments.db,
        control=arguments.control,
        seams=lambda profile: catalogue.seams_together(rows, profile),
    )
    return switchboards(settings) if arguments.control else settings


def _rows(kind: str, names: Iterable[str], profiles: Sequence[str]) -> list[Row]:
    """The faults or the modes of these names.

    Raises:
        _Unusable: where one is not there, or is of none of these systems.
    """
    option, rows = _OPTIONS[kind], []
    for name in names:
        row = catalogue.find(name, kind)
        if row is None:
            raise _Unusable(option, f"the name of a {kind}", repr(name))
        if not set(row.profiles) & set(profiles):
            got = f"{row.name}, which is one of {', '.join(row.profiles)}"
            raise _Unusable(option, f"a {kind} of {', '.join(profiles)}", got)
        rows.append(row)
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns the exit code: 2 for wrong usage, an address that cannot be had among it."""
    arguments = _arguments(argv)
    lists = {"faults": catalogue.listing, "modes": catalogue.modes_listing, "accounts": _accounts}
    asked = next((rows for name, rows in lists.items() if getattr(arguments, f"list_{name}")), None)
    if asked is not None:
        rows = asked()
        print(json.dumps(rows, indent=None if arguments.json else 2))  # noqa: T201 -- what was asked for
        return 0
    try:
        asyncio.run(serve(_maker(arguments), arguments.host, arguments.port, arguments.also_at or ()))
    except _Unusable as reason:
        print(f"streamvet_server: {reason}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
