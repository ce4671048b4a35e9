"""The Python API behind `streamvet.check`, `streamvet.judge` and `streamvet.load_profile`.

Arguments become what the command line has, and reports a value with few names. Must not know how anything is tried,
judged or shown.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamvet.campaign import Settings
from streamvet.cli import options
from streamvet.cli.checking import Wanted, checked
from streamvet.cli.deadline import deadline_of
from streamvet.cli.judge_traces import OF_BYTES, Captured, Framing, judged, source_of, traces_in
from streamvet.cli.subjects import Subject, named
from streamvet.contract import loading
from streamvet.contract.intake import FileError
from streamvet.contract.profile import Profile
from streamvet.contract.registry import load_registry
from streamvet.contract.target import load_target, target_of
from streamvet.generation.exploring import Effort
from streamvet.masking import veiled
from streamvet.outcome import Verdict
from streamvet.recorder import now_us
from streamvet.report import html, json_report, junit, text
from streamvet.report.building import NOT_ALLOWED
from streamvet.report.claim import sentence
from streamvet.report.exits import Exit, Policy, exit_code, is_incomplete
from streamvet.report.printable import printable
from streamvet.trace import TraceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from os import PathLike

    from streamvet.report import report as inner
    from streamvet.verdicts import Ruling

_NAMED_IN = Path("streamvet.check")  # in errors, where a file would be; paths are relative to the current folder


@dataclass(frozen=True, slots=True)
class Finding:
    """The first violation of one requirement. Texts are printable, and what is secret is masked in them."""

    id: str
    level: str  # MUST, SHOULD or NOTE
    verdict: str  # FAIL, WARN, NOTE or WAIVED
    requirement: str  # its text
    expected: str
    seen: str
    where: str  # the request and the bytes
    curl: str  # the request as a command; "" where there is none
    reproduce: str  # the command that shows it again; "" where there is none
    count: int  # of its findings


@dataclass(frozen=True, slots=True)
class Report:
    """What was found out about one candidate."""

    profile: str
    target: str
    exit_code: (
        int  # as the command line has it: 0 conformant, 1 violated, 3 incomplete, 4 internal error, 130 interrupted
    )
    summary: str  # the outcome as a sentence, with its level of evidence
    verdicts: Mapping[str, str]  # of each requirement that applies, by its id
    reasons: Mapping[str, str]  # why a verdict is what it is, where there is something to say
    findings: tuple[Finding, ...]  # the worst first
    _report: inner.Report = field(repr=False)
    _policy: Policy = field(repr=False)

    @property
    def conformant(self) -> bool:
        """Whether every MUST within the level of evidence was exercised and holds, as the exit code 0 says."""
        return self.exit_code == Exit.CONFORMANT

    def assert_conformant(self) -> None:
        """Nothing where it is conformant.

        Raises:
            AssertionError: else; its text is the outcome with its findings, as a terminal shows them.
        """
        __tracebackhide__ = True
        if not self.conformant:
            raise AssertionError(f"{self.summary}\n{self.text()}")

    def text(self) -> str:
        """The report as a terminal shows it."""
        return veiled(text.render([self._report], self._policy).plain)

    def to_html(self) -> str:
        """The report as one HTML page."""
        return veiled(html.render([self._report], self._policy))

    def to_json(self) -> str:
        """The report as JSON, by `schemas/meta/report.schema.json`."""
        return veiled(json_report.render([self._report], self._policy))

    def to_junit(self) -> str:
        """The report as JUnit XML."""
        return veiled(junit.render([self._report], self._policy))


@dataclass(frozen=True, slots=True)
class Told:
    """What one requirement comes to in a framework of tests: `passed`, `failed`, `skipped`, `xfailed` or `error`."""

    outcome: str
    text: str = ""


def told(report: Report, requirement: str) -> Told:
    """What one requirement of a report comes to. What makes the exit code other than 0 never passes or is skipped."""
    whole, policy = report._report, report._policy  # noqa: SLF001 - two halves of one module's value
    ruling = next(one for one in whole.rulings if one.requirement.id == requirement)
    said = veiled(text.ruling(whole, ruling).plain.strip("\n"))
    match ruling.verdict:
        case Verdict.FAIL:
            return Told("failed", said)
        case Verdict.WARN:
            return Told("failed" if policy.strict else "xfailed", said)
        case Verdict.WAIVED:
            return Told("xfailed", said)
        case Verdict.ERROR:
            return Told("error", said)
        case Verdict.INCONCLUSIVE:
            return Told("failed" if is_incomplete(ruling, whole, policy) else "skipped", said)
    return Told("passed", said if ruling.verdict is Verdict.NOTE else "")


def load_profile(name_or_folder: str | PathLike[str]) -> Profile:
    """As `streamvet.load_profile`."""
    return loading.load_profile(os.fspath(name_or_folder), Path.cwd())


def check(
    candidate: str | PathLike[str], *, profile: str | PathLike[str] | Profile | None, target: Mapping[str, Any],
    only: Iterable[str], waivers: str | PathLike[str] | None, seed: int, examples: int | None,
    budget_s: float | None, deadline_s: float | None, wait_s: float, strict: bool, accept_incomplete: bool,
) -> Report:  # fmt: skip
    """As `streamvet.check`."""
    _no_loop()
    begun_us = now_us()
    subject = _subject(os.fspath(candidate), profile, target)
    words = list(only)
    asked = options.asked(words, Path(waivers) if waivers else None, "", [load_registry(subject.profile)])
    end = deadline_of(begun_us, deadline_s, [subject], budget_s, seed)
    settings = Settings(time_scale=subject.scale, wait_s=wait_s, seed=seed, until_us=end.tries_us, only=asked.only)
    effort = Effort(seed, budget_s, examples)
    wanted = Wanted(settings, effort, asked, end, None, options.only_note(words), allow_commands=False)
    (report,) = checked(named([subject]), wanted)
    return _made(report, Policy(strict, accept_incomplete))


def judge(
    files: Sequence[str | PathLike[str]], *, profile: str | PathLike[str] | Profile | None, raw: str | None,
    start: str | None, ended: bool, only: Iterable[str], waivers: str | PathLike[str] | None, strict: bool,
) -> Report:  # fmt: skip
    """As `streamvet.judge`."""
    if not files:
        raise ValueError("expected the names of files, got none")
    names, words = [os.fspath(one) for one in files], list(only)
    chosen = profile if isinstance(profile, Profile) else None if profile is None else load_profile(profile)
    if raw is None and (start is not None or ended):
        raise ValueError("start and ended are for raw bytes: a trace says so itself")
    if raw is not None and (chosen is None or raw not in {*Framing}):
        raise ValueError("raw is sse or ndjson, and needs a profile, which says what the bytes should be")
    captured = Captured(Framing(raw), chosen, start, ended=ended) if raw is not None and chosen is not None else None
    asked = options.asked(words, Path(waivers) if waivers else None, "", [load_registry(chosen)])
    try:
        reports = judged(
            captured.traces(names) if captured else traces_in(names), asked, source_of(names), profile=chosen,
            captured=captured, notes=options.only_note(words), withheld=OF_BYTES if captured else NOT_ALLOWED,
        )  # fmt: skip
    except TraceError as error:
        raise ValueError(str(error)) from error
    if len(reports) != 1:
        raise ValueError(f"expected traces of one profile, got {', '.join(one.profile for one in reports)}")
    return _made(reports[0], Policy(strict))


def _no_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "streamvet.check blocks, and a server in this event loop could not answer: "
        "await asyncio.to_thread(streamvet.check, …)"
    )


def _subject(candidate: str, profile: str | PathLike[str] | Profile | None, target: Mapping[str, Any]) -> Subject:
    """The candidate of a URL or a target file.

    Raises:
        FileError: where it is not valid.
    """
    if not candidate.startswith(("http://", "https://")):
        if profile is not None or target:
            raise FileError(candidate, "", "a URL, for the arguments profile and target", "the path of a target file")
        loaded, found = load_target(Path(candidate))
        return Subject(loaded, found, loaded.time_scale, loaded.base_url, (candidate,))
    if profile is None:
        raise FileError(_NAMED_IN, "profile", "the profile of a server at a URL", "none")
    name = str(profile.folder) if isinstance(profile, Profile) else os.fspath(profile)
    loaded, found = target_of({**target, "profile": name, "base_url": candidate}, Path.cwd() / _NAMED_IN)
    return Subject(loaded, found, loaded.time_scale, loaded.base_url, (candidate, "--profile", name))


def _made(report: inner.Report, policy: Policy) -> Report:
    code = exit_code([report], policy)
    applicable = [one for one in report.rulings if one.verdict is not Verdict.NOT_APPLICABLE]
    return Report(
        profile=report.profile,
        target=report.target,
        exit_code=int(code),
        summary=veiled(sentence(report, code)),
        verdicts={one.requirement.id: one.verdict.value for one in applicable},
        reasons={one.requirement.id: veiled(printable(one.reason)) for one in applicable if one.reason},
        findings=tuple(_finding(one, report) for one in report.loud() if one.findings),
        _report=report,
        _policy=policy,
    )


def _finding(ruling: Ruling, report: inner.Report) -> Finding:
    first, row = ruling.findings[0], ruling.requirement
    shown = next(iter(report.exhibits.get(row.id, ())), None)
    request = f"{shown.request}, {shown.answer}, " if shown else ""
    start, end = first.span
    span = f", bytes {start}-{end}" if start < end else ""
    said = (row.text, first.expected, first.seen, f"{request}exchange {first.exchange}{span}")
    text_, expected, seen, where = (veiled(printable(one)) for one in said)
    return Finding(
        row.id, row.level, ruling.verdict.value, text_, expected, seen, where,
        veiled(shown.curl) if shown else "", veiled(ruling.reproduce), len(ruling.findings),
    )  # fmt: skip
