"""The plugin of pytest: an item for each requirement that applies to a target file, and a fixture for an app of a test.

Loaded by every run of pytest where streamvet is installed, so it imports nothing before it is used. Must not know how a
candidate is checked.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from streamvet.api import Report

_WHOLE = "conformant"  # the name of the item about all of them


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, in a group of their own."""
    group = parser.getgroup("streamvet", "conformance of HTTP progress-event streams")
    group.addoption(
        "--streamvet", action="append", default=[], metavar="TARGET.yaml",
        help="check this target: an item for each requirement that applies; may be repeated",
    )  # fmt: skip
    group.addoption("--streamvet-waivers", metavar="FILE", help="a file of waivers: ids with reasons, as YAML")
    group.addoption("--streamvet-examples", type=int, metavar="N", help="this many generated tries")
    group.addoption("--streamvet-deadline", type=float, metavar="SECONDS", help="end each check after this long")
    group.addoption("--streamvet-strict", action="store_true", help="a violated SHOULD counts as a violated MUST")
    group.addoption(
        "--streamvet-accept-incomplete",
        action="store_true",
        help="skip requirements that were not exercised instead of failing them",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The marker that all items of targets have."""
    config.addinivalue_line("markers", "streamvet: a requirement of a target file (--streamvet)")
    # Of pytest-xdist; in its workers it says "no".
    if config.option.streamvet and config.getoption("dist", "no") != "no":
        raise pytest.UsageError("--streamvet would check once in each worker: run it without -n")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the items of the targets, before anything selects by marker or name."""
    for name in config.option.streamvet:
        path = Path(os.path.abspath(config.invocation_params.dir / name))  # noqa: PTH100 - a link stays what it is
        items += Candidate.from_parent(session, path=path).collect()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have each candidate tried for what is selected alone."""
    for item in session.items:
        if isinstance(item, Item):
            item.candidate.wanted.append(item.name)


class Candidate(pytest.File):
    """A target file. It is checked once, when the first of its items runs."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.wanted: list[str] = []
        self._all = 0
        self._report: Report | None = None
        self._error: Exception | None = None

    def collect(self) -> list[Item]:
        """An item for each requirement that applies, and one for all of them.

        Raises:
            UsageError: where the file is not valid.
        """
        from streamvet.contract.files import FileError  # noqa: PLC0415 - see above
        from streamvet.contract.registry import load_registry  # noqa: PLC0415
        from streamvet.contract.target import load_target  # noqa: PLC0415

        try:
            _, profile = load_target(self.path)
        except FileError as error:
            raise pytest.UsageError(f"--streamvet: {error}") from error
        names = [*(row.id for row in load_registry(profile).testable(profile)), _WHOLE]
        self._all = len(names)
        return [Item.from_parent(self, name=name, candidate=self) for name in names]

    def report(self) -> Report:
        """The report on what is selected.

        Raises:
            Exception: what kept the candidate from being checked, each time.
        """
        if self._error is not None:
            raise self._error
        if self._report is None:
            import streamvet  # noqa: PLC0415

            option = self.config.option
            try:
                self._report = streamvet.check(
                    self.path,
                    only=[] if len(self.wanted) == self._all else [one for one in self.wanted if one != _WHOLE],
                    waivers=option.streamvet_waivers, examples=option.streamvet_examples,
                    deadline_s=option.streamvet_deadline, strict=option.streamvet_strict,
                    accept_incomplete=option.streamvet_accept_incomplete,
                )  # fmt: skip
            except Exception as error:
                self._error = error
                raise
        return self._report


class _NotKept(Exception):  # noqa: N818 - what a requirement is; its text is all that a reader wants
    """A requirement is violated, or undecided."""


class Item(pytest.Item):
    """One requirement on one candidate, or all of them."""

    def __init__(self, *, candidate: Candidate, **given: Any) -> None:
        super().__init__(**given)
        self.candidate = candidate
        self.add_marker("streamvet")

    def runtest(self) -> None:
        """Fail, skip or pass as the verdict says."""
        from streamvet.api import told  # noqa: PLC0415

        report = self.candidate.report()
        if self.name == _WHOLE:
            if not report.conformant:
                raise _NotKept(report.summary)
            return
        found = told(report, self.name)
        match found.outcome:
            case "failed" | "error":
                raise _NotKept(found.text)
            case "skipped":
                pytest.skip(report.reasons.get(self.name, found.text))
            case "xfailed":
                pytest.xfail(found.text)
        if found.text:
            self.add_report_section("call", "streamvet", found.text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The finding alone: no frame of ours says more."""
        from streamvet.contract.intake import FileError  # noqa: PLC0415

        if isinstance(excinfo.value, (_NotKept, FileError)) or type(excinfo.value).__name__ == "Unreachable":
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it is from."""
        return self.path, None, f"{self.path.name} {self.name}"


class Streamvet:
    """What the fixture gives: the functions of streamvet, with the folder of the test's files for paths."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._node = request.node
        self._folder = request.path.parent

    def check(self, url: str, **arguments: Any) -> Report:
        """As `streamvet.check`; a profile's folder may be given relative to the test's file.

        The report is a section of the test's, which pytest shows where the test fails.
        """
        import streamvet  # noqa: PLC0415

        profile = arguments.get("profile")
        if isinstance(profile, (str, Path)) and (self._folder / profile / "profile.yaml").is_file():
            arguments["profile"] = self._folder / profile
        report = streamvet.check(url, **arguments)
        self._node.add_report_section("call", "streamvet", report.summary)
        return report


@pytest.fixture
def streamvet(request: pytest.FixtureRequest) -> Streamvet:
    """Checks an app that the test has started: `streamvet.check(url, profile=…).assert_conformant()`."""
    return Streamvet(request)
