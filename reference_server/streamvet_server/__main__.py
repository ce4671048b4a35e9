"""The command line: reads arguments, lists what there is, or serves until it is told to stop.

It must not know systems, runs or streams.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import sys
from dataclasses import replace
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
from streamvet_server.systems import SYSTEMS, system
from streamvet_server.workers import places, supervise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from streamvet_server.catalogue import Row
    from streamvet_server.feed import Feed


MAX_WORKERS = 64  # far more than the cores of a machine on which one tries this

_OPTIONS = {"fault": "--fault", "mode": "--nasty"}


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="streamvet_server", description="The reference server of streamvet.")
    add = parser.add_argument
    add("--profile", action="append", metavar="P", help="serve this system; alone, at the root (repeatable)")
    add("--host", default="127.0.0.1")
    add("--port", type=_port, default=8787, help="0: any free one")
    add("--also-at", type=_port, action="append", metavar="PORT", help="a further port of this process (repeatable)")
    add("--workers", type=_workers, default=1, metavar="N", help="as many processes at one port; needs --log")
    add("--log", type=_log, metavar="URL", help="redis://HOST:PORT/DB: the event log that several processes share")
    add("--slot", type=int, help=argparse.SUPPRESS)
    add("--sockets", type=_sockets, help=argparse.SUPPRESS)
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


def _workers(text: str) -> int:
    workers = int(text)
    if not 1 <= workers <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {MAX_WORKERS}")
    return workers


def _log(text: str) -> str:
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise argparse.ArgumentTypeError(f"expected redis://HOST:PORT/DB, got {text!r}")
    return text


def _sockets(text: str) -> list[socket.socket]:
    return [socket.socket(fileno=int(one)) for one in text.split(",")]


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


async def serve_as_worker(make: Callable[[], web.AppRunner], sockets: Sequence[socket.socket], slot: int) -> None:
    """Serve at sockets that the parent has opened, until SIGTERM or until the parent is gone.

    Raises:
        _Unusable: where the shared log does not answer.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(sys.stdin.fileno(), stop.set)  # the parent writes nothing: it is the end
    runner = make()
    await runner.setup()
    try:
        for one in sockets:
            await web.SockSite(runner, one).start()
        runner.app[ADDRESSES].update({one.getsockname()[1]: slot + 1 for one in sockets})
        print("listening", flush=True)  # noqa: T201 -- for the parent
        await stop.wait()
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
    if arguments.log is not None:
        settings = replace(settings, feed=_feed(arguments))

    def make() -> web.AppRunner:
        try:
            return build(settings)
        except Unusable as reason:
            raise _Unusable(f"--db {settings.db}", reason.expected, reason.got) from reason

    return make


def _feed(arguments: argparse.Namespace) -> Callable[[], Feed]:
    """How the shared log is opened.

    Raises:
        _Unusable: where its library is not installed.
    """
    try:
        from streamvet_server.feed import Feed  # noqa: PLC0415 -- who serves with one process needs no Redis
    except ImportError as reason:
        got = f"{reason}: pip install 'streamvet[server,redis]'"
        raise _Unusable("--log", "the package redis to be installed", got) from reason
    return lambda: Feed(arguments.log, arguments.slot or 0, arguments.workers)


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
    shared = arguments.log is not None
    spread = [name for name in SYSTEMS if not shared or system(name).spreads]
    profiles = tuple(dict.fromkeys(arguments.profile or spread))
    for one in profiles:
        if one not in SYSTEMS:
            raise _Unusable("--profile", f"one of {', '.join(sorted(SYSTEMS))}", repr(one))
        if one not in spread:
            raise _Unusable("--log", f"--profile {' or '.join(spread)}, whose runs anybody can attach to", one)
    if shared and arguments.db != ":memory:":
        raise _Unusable("--log", "no --db beside it: what is in the log is kept there", f"--db {arguments.db}")
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


def _supervise(arguments: argparse.Namespace, words: Sequence[str]) -> int:
    """Serve with several processes.

    Raises:
        _Unusable: where these options are not for several, or there is no such address to listen on.
    """
    if arguments.log is None:
        got = "none: a database, or a log in memory, is of one process"
        raise _Unusable(f"--workers {arguments.workers}", "--log redis://… beside it", got)
    _maker(arguments)  # what is wrong with the options is said once
    own = arguments.also_at or [
        arguments.port + one if arguments.port else 0 for one in range(1, arguments.workers + 1)
    ]
    if len(own) != arguments.workers:
        raise _Unusable("--also-at", f"{arguments.workers} of them, one for each worker, or none", str(len(own)))
    try:
        taken = places(arguments.host, arguments.port, own)
    except OSError as reason:
        where = f"--host {arguments.host} --port {arguments.port}"
        raise _Unusable(where, "addresses where one can listen", reason.strerror or str(reason)) from reason
    return asyncio.run(supervise(words, taken))


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
        if arguments.workers > 1 and arguments.slot is None:
            return _supervise(arguments, sys.argv[1:] if argv is None else argv)
        if arguments.slot is not None:
            asyncio.run(serve_as_worker(_maker(arguments), arguments.sockets, arguments.slot))
            return 0
        asyncio.run(serve(_maker(arguments), arguments.host, arguments.port, arguments.also_at or ()))
    except (_Unusable, Unusable) as reason:
        option = "--log: " if isinstance(reason, Unusable) else ""  # a database is named where it is opened
        print(f"streamvet_server: {option}{reason}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
