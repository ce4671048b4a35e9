"""Stands between the suite and a launched candidate, as a process of its own: `warden.py COMMAND…`.

It starts the command, keeps the end of what it prints, says how it ended, and ends whatever has come of it: once it is
asked to, or once the suite is gone, however that ended. Commands come on stdin, a letter each; answers go to stdout, a
JSON object a line. It imports the standard library alone, and little of it, as it is started for each launch. Must not
know HTTP, nor what the command is.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

STOP, KILL, SAY = b"t", b"k", b"s"  # SIGTERM to its group; end everything; what has it printed?
KEPT_BYTES = 4096  # of what it prints: the last lines of a traceback, and more than an error shows
_READ_BYTES = 256 * 1024
_END_S = 5.0  # until what was killed is gone; a process that hangs in the kernel is left alone
_LOOK_S = 0.01  # between two looks at what is left
# From linux/prctl.h.
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
_LINUX = sys.platform == "linux"


def _prctl(option: int, value: int) -> None:
    """A setting of this process that Linux alone has; where it cannot be made, its group is all that is known."""
    if _LINUX:
        import ctypes  # noqa: PLC0415 - elsewhere it may be missing

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _told(**what: object) -> None:
    with suppress(OSError):  # the suite is gone, which stdin tells too
        os.write(1, json.dumps(what).encode() + b"\n")


def _descendants() -> set[int]:
    """The processes that have come of this one. What has lost its parent became a child of this one."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat") if _LINUX else ():
        with suppress(OSError, ValueError):  # it has ended meanwhile
            state, parent = path.read_bytes().rpartition(b")")[2].split()[:2]
            if state != b"Z":
                parents[int(path.parent.name)] = int(parent)
    found, left = set[int](), {os.getpid()}
    while left:
        left = {pid for pid, parent in parents.items() if parent in left} - found
        found |= left
    return found


class _Warden:
    """The state of one launch."""

    def __init__(self, command: list[str]) -> None:
        self.said = b""
        self.output, out = os.pipe()
        os.set_blocking(self.output, False)
        self.child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=lambda: _prctl(_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509 - there are no threads here
        )  # fmt: skip
        os.close(out)
        self.code: int | None = None
        self.stopped = 0  # the signal that stopped the command, as Ctrl-Z does

    def hear(self) -> bool:
        """Take what it has printed; gives whether more may come."""
        try:
            data = os.read(self.output, _READ_BYTES)
        except BlockingIOError:
            return True
        self.said = (self.said + data)[-KEPT_BYTES:]
        return bool(data)

    def reap(self) -> None:
        """Take note of what has ended: the command, or what it left behind.

        A command that is stopped answers nothing, and would be waited for at each request: it is killed.
        """
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG | os.WUNTRACED))[0]:
                if os.WIFSTOPPED(ended[1]):
                    if ended[0] == self.child.pid:
                        self.stopped = os.WSTOPSIG(ended[1])
                        self.signal_group(signal.SIGKILL)
                elif ended[0] == self.child.pid:
                    self.code = os.waitstatus_to_exitcode(ended[1])
                    self.child.returncode = self.code
                    before = None
                    while before != self.said and self.hear():
                        before = self.said
                    _told(ended=self.code, said=self.text, left=len(_descendants()), stopped=self.stopped)

    @property
    def text(self) -> str:
        return self.said.decode("utf-8", "replace")

    def signal_group(self, number: signal.Signals) -> None:
        """To the whole group: a wrapper such as npm has the server as a child."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, number)

    def end(self) -> None:
        """Kill the group and whatever else has come of it, until nothing is left."""
        deadline = time.monotonic() + _END_S
        if self.code is None or not _LINUX:  # what is left of its group is found below; the number may be another's now
            self.signal_group(signal.SIGKILL)
        while time.monotonic() < deadline:
            left = _descendants()
            for pid in left:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            self.reap()
            if not left and self.code is not None:
                break
            time.sleep(_LOOK_S)


def main(command: list[str]) -> None:
    """Start the command and stay until it is to end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # not SIG_IGN, which the command would inherit
    _prctl(_SET_CHILD_SUBREAPER, 1)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    try:
        warden = _Warden(command)
    except OSError as error:
        _told(failed=error.strerror or type(error).__name__)
        return
    _told(began=warden.child.pid)
    listened = [0, woken, warden.output]
    while True:
        ready = select.select(listened, [], [])[0]
        if warden.output in ready and not warden.hear():
            listened.remove(warden.output)
        if woken in ready:
            os.read(woken, KEPT_BYTES)
            warden.reap()
        if 0 not in ready:
            continue
        asked = os.read(0, 1)
        if asked == STOP:
            warden.signal_group(signal.SIGTERM)
        elif asked == SAY:
            _told(said=warden.text)
        elif asked in {KILL, b""}:
            break
    warden.end()


if __name__ == "__main__":
    main(sys.argv[1:])
