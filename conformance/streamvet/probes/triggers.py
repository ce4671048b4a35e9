"""What the target file says how to make happen, by a command or a request; else an operation of the profile does it.

It performs that and notes it; it judges nothing, and must not know what a stream tells of it.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from streamvet.probes.errands import unique, wrong

if TYPE_CHECKING:
    from pathlib import Path

    from streamvet.probes.driver import Driver

# A command that changes something has a client to start and a request to make; one that takes longer waits for more.
COMMAND_S = 30.0


async def pull(driver: Driver, name: str) -> dict[str, Any]:
    """Make the trigger of this name happen; gives when, and why it did not where it failed."""
    row = unique(driver.setting.target.triggers.get(name))
    deed: dict[str, Any] = {"name": name, "at_us": driver.tape.now_us()}
    if row is None:
        live = await driver.ask(f"trigger:{name}", "trigger")
        operation = driver.profile.operations[f"trigger:{name}"]
        failed = wrong({"method": operation.method, "path": operation.path, "status": operation.status}, live)
    elif "command" in row:
        failed = await _run(row["command"], driver.setting.target.file.resolve().parent)
    else:
        failed = wrong(row["http"], await driver.errand(f"trigger:{name}", "trigger", row["http"]))
    deed["done_us"] = driver.tape.now_us()
    return deed | {"failed": failed} if failed else deed


async def _run(command: list[str], folder: Path) -> str:
    """Run a command to its end, in the folder of the target file; gives why it failed, "" where it did not."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return f"{command[0]!r} cannot be run: {error.strerror}"
    try:
        async with asyncio.timeout(COMMAND_S):
            code = await process.wait()
    except TimeoutError:
        return f"{command[0]!r} has not ended within {COMMAND_S:g} s"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return f"{command[0]!r} exited with {code}" if code else ""
