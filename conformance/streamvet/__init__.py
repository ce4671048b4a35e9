"""streamvet: the conformance suite for HTTP progress-event streams.

The Python API is what this module names: three functions, what they give, and what they raise. All else is private,
and may change with any version.

    report = streamvet.check("http://127.0.0.1:8000", profile="./my-api")
    report.assert_conformant()

Within, four floors, imports go down only: `framing` (bytes to frames), `trace` and `contract` with `decode` (values and
what can be computed from them), `recorder`, `probes` and `checks`, and on top `verdicts`, `report`, `campaign`, `prove`
and `cli`, with `api` and `pytest_plugin` above. To import this module costs nothing: the rest is imported when it is
called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from streamvet.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike

    from streamvet.api import Finding as Finding
    from streamvet.api import Report as Report
    from streamvet.campaign import Unreachable as Unreachable
    from streamvet.contract.intake import FileError as FileError
    from streamvet.contract.profile import Profile as Profile

__version__ = VERSION

__all__ = ["FileError", "Finding", "Profile", "Report", "Unreachable", "check", "judge", "load_profile"]

_TYPES = {
    "Finding": "streamvet.api",
    "Report": "streamvet.api",
    "Unreachable": "streamvet.campaign",
    "FileError": "streamvet.contract.intake",
    "Profile": "streamvet.contract.profile",
}


def check(
    candidate: str | PathLike[str],
    *,
    profile: str | PathLike[str] | Profile | None = None,
    target: Mapping[str, Any] | None = None,
    only: Iterable[str] = (),
    waivers: str | PathLike[str] | None = None,
    seed: int = 0,
    examples: int | None = None,
    budget_s: float | None = None,
    deadline_s: float | None = None,
    wait_s: float = 10.0,
    strict: bool = False,
    accept_incomplete: bool = False,
) -> Report:
    """Check a server, as `streamvet run` does; takes as long as that, and starts processes of its own.

    Args:
        candidate: a URL, or the path of a target file.
        profile: for a URL, the profile: a built-in name, a folder, or what `load_profile` gives.
        target: for a URL, further keys of a target file, such as `{"credentials": {"token": "…"}, "inputs": {…}}`.
            Paths in it are relative to the current folder.
        only: ids or families; nothing else is tried, reported and counted.
        waivers: the path of a waivers file.
        seed: of the generated tries; the same seed gives the same tries.
        examples: at most so many generated tries; 0 for none. Without `budget_s` it is as many, however long it takes.
        budget_s: seconds of generated tries; None: until the longest mandated wait is over.
        deadline_s: seconds in which it ends, whatever it has found; None: five minutes, or 1.3 times that wait.
        wait_s: how long the server may take to come up.
        strict: a violated SHOULD counts as a violated MUST.
        accept_incomplete: what was not exercised does not count.

    Raises:
        FileError: where profile, target or waivers are not valid; the text has the place, expected and got.
        Unreachable: where nothing answers.
        RuntimeError: in a thread whose event loop runs: the server might run there. Use `asyncio.to_thread`.
    """
    from streamvet import api  # noqa: PLC0415 - see above

    return api.check(
        candidate, profile=profile, target=target or {}, only=only, waivers=waivers, seed=seed, examples=examples,
        budget_s=budget_s, deadline_s=deadline_s, wait_s=wait_s, strict=strict, accept_incomplete=accept_incomplete,
    )  # fmt: skip


def judge(
    *files: str | PathLike[str],
    profile: str | PathLike[str] | Profile | None = None,
    raw: Literal["sse", "ndjson"] | None = None,
    start: str | None = None,
    ended: bool = False,
    only: Iterable[str] = (),
    waivers: str | PathLike[str] | None = None,
    strict: bool = False,
) -> Report:
    """Judge recordings, as `streamvet judge` does, without a network.

    Args:
        files: trace files of one profile; with `raw` files of body bytes.
        profile: judge by this one; needed with `raw`, else the traces name it.
        raw: the files are captured bytes of this framing.
        start: with `raw`, the kind of run, where the profile has several.
        ended: with `raw`, the server has closed the stream, where its bytes do not say so.
        only: as for `check`.
        waivers: as for `check`.
        strict: as for `check`.

    Raises:
        FileError: where a file cannot be read, or is of another profile or revision.
        ValueError: where a file is no trace, or the arguments do not go together.
    """
    from streamvet import api  # noqa: PLC0415 - see above

    return api.judge(
        files, profile=profile, raw=raw, start=start, ended=ended, only=only, waivers=waivers, strict=strict
    )


def load_profile(name_or_folder: str | PathLike[str]) -> Profile:
    """A profile: a built-in one by its name, or the one in a folder, held to its schema and its own rules.

    Of it `name`, `title`, `framing`, `streams` and `folder` are a part of this API.

    Raises:
        FileError: where there is none, or where it is not valid.
    """
    from streamvet import api  # noqa: PLC0415 - see above

    return api.load_profile(name_or_folder)


def __getattr__(name: str) -> Any:
    """The types, imported when somebody asks for them."""
    if name not in _TYPES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - see above

    return getattr(import_module(_TYPES[name]), name)
