"""Pools of worker processes that ignore the signals that end the command: what they hold is what was found so far.

Ctrl-C and many a supervisor signal the whole process group. The parent alone decides then what ends: a worker finishes
what it was given, and ends when its parent asks it to, or is gone. Must not know what the workers do.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, TypeVar

from streamvet.memory import give_back_memory

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator
    from concurrent.futures import Future
    from multiprocessing.process import BaseProcess

_ENDING = (signal.SIGINT, signal.SIGTERM)
_HURRY = signal.SIGUSR1  # between the processes of a pool: leave what you do
_HELD_BACK = (*_ENDING, _HURRY)  # while a process starts
_ORPHAN_S = 5.0  # in which a worker without a parent may stop what it started: as long as a server may take to stop
_SIGNAL_AGAIN_S = 0.2  # between two signals to stop, as one may come too early; nobody notices a fifth of a second

_Made = TypeVar("_Made")


def pool(processes: int, nice: int = 0) -> ProcessPoolExecutor:
    """Workers that are not started yet: what is submitted starts them, and has to be within `signals_blocked`."""
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(nice,))


@contextlib.contextmanager
def signals_blocked() -> Iterator[None]:
    """Hold back the ending signals of this thread, and with it of each process that is started in here.

    A worker takes half a second to import what tells it to ignore them; a signal in that time would end it, and break
    the pool. A blocked signal is inherited through the start of a program, as a handler is not. For this process it
    waits until the end of the block; were it ignored here, Ctrl-C at this moment would be lost.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(nice: int) -> None:
    """In a new worker: ignore the ending signals, then unblock them, as a server that it starts must get them."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(_HURRY, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD_BACK)
    give_back_memory()
    os.nice(nice)
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    """End when the parent is gone: a worker that waits for work holds both ends of its queue, and would not see it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGINT)  # work that is `cancelled_on_signal` ends by it
        time.sleep(_ORPHAN_S)
        os._exit(1)


async def cancelled_on_signal(work: Coroutine[Any, Any, _Made], number: signal.Signals = signal.SIGINT) -> _Made:
    """Some work, which the first signal of this number cancels, and no other one: what it started is then ended.

    Only the main thread gets signals; what runs in another one is not cancelled.

    Raises:
        asyncio.CancelledError: where it was.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - said for mypy: a coroutine runs in a task
    if threading.current_thread() is not threading.main_thread():
        return await work

    def stop(*_: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second one would cancel the ending
        loop.call_soon_threadsafe(task.cancel)

    before = signal.signal(number, stop)
    try:
        return await work
    finally:
        signal.signal(number, before)


def stop_workers() -> None:
    """Signal every worker to stop what it does, where that is `cancelled_on_signal`, until all of them have ended.

    Their pool has to be shut down. One that begins another piece of work, or was not ready, is signalled again.
    """
    while children := signal_workers():
        wait([child.sentinel for child in children], _SIGNAL_AGAIN_S)


def outcome_once_signalled(work: Future[_Made]) -> _Made:
    """What comes of some work of a worker that is signalled to stop it, until it has ended."""
    while not work.done():
        signal_workers()
        wait_for([work], _SIGNAL_AGAIN_S)
    return work.result()


def signal_workers(number: signal.Signals = signal.SIGINT) -> list[BaseProcess]:
    """Signal every worker once; gives those that have not ended."""
    children = multiprocessing.active_children()
    for child in children:
        if child.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, number)
    return children


@contextlib.contextmanager
def hurried() -> Iterator[None]:
    """In a worker, work that `hurry` breaks off.

    Raises:
        KeyboardInterrupt: where it did.
    """
    signal.signal(_HURRY, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(_HURRY, signal.SIG_IGN)


def hurry(works: Iterable[Future[Any]], within_s: float | None) -> bool:
    """Wait so long for some works; cancel the others, and break off what is `hurried`. Gives whether all were done."""
    left = list(works)
    try:
        left = list(wait_for(left, within_s).not_done)
    except KeyboardInterrupt:
        left = [one for one in left if not one.done()]
    whole = not left
    while left := [one for one in left if not one.cancel() and not one.done()]:
        signal_workers(_HURRY)
        wait_for(left, _SIGNAL_AGAIN_S)
    return whole
