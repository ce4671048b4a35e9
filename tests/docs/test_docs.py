"""The docs: what is printed is what the contract says, and what is written by hand holds.

Knows the pages and the scripts that print into them; it must not know the suite's checks nor the server.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree as ET

import pytest
import yaml

from streamvet.contract.files import check_shape, meta_validator
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.contract.profile import Lifecycle, Profile, pointed
from streamvet.contract.registry import load_registry
from streamvet.reference import faults

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
DIAGRAMS = sorted((ROOT / "docs" / "spec" / "diagrams").glob("*.svg"))
FENCE = re.compile(r"^( *)```([a-z]+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


class Fence(NamedTuple):
    """A fenced block of a page."""

    page: Path
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.text[:40]!r}"


def _fences(*languages: str) -> list[Fence]:
    found = []
    for page in PAGES:
        for indent, language, text in FENCE.findall(page.read_text(encoding="utf-8")):
            if language in languages:
                lines = [line.removeprefix(indent) for line in text.splitlines(keepends=True)]
                found.append(Fence(page, language, "".join(lines)))
    return found


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "scripts" / "docs.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


# ----------------------------------------------------------------------------------------------------- the printing


def test_the_docs_say_what_the_contract_says() -> None:
    done = _run(ROOT, "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_kill_matrix_has_each_fault_of_the_server_once() -> None:
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \|", (ROOT / "docs/spec/kill-matrix.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(rows) == sorted(one.name for one in faults())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The scripts and pages alone, without what `make` installs; the contract is the checkout's."""
    left_out = shutil.ignore_patterns("node_modules", ".venv", "root", ".langgraph_api")
    for name in ("scripts", "docs", "bench", "tests/zoo", "tests/interop", "examples/peers"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=left_out)
    for name in ("README.md", "CONTRIBUTING.md", "examples/clients/matrix.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def _alone(copy: Path, *pages: str) -> None:
    """Take the other pages away: to print all of them takes ten times as long."""
    for path in (*(copy / "docs").rglob("*.md"), copy / "README.md"):
        if str(path.relative_to(copy)) not in pages:
            path.unlink()


def test_a_changed_block_is_found_and_printed_again(copy: Path) -> None:
    _alone(copy, "docs/spec/transport.md")
    page = copy / "docs" / "spec" / "transport.md"
    good = page.read_text(encoding="utf-8")
    page.write_text(good.replace("### TRN-02", "### TRN-2", 1), encoding="utf-8")
    found = _run(copy, "--check")
    assert found.returncode == 1
    assert "docs/spec/transport.md is not what the contract says" in found.stderr
    assert "-### TRN-2\n+### TRN-02\n" in found.stderr
    assert (_run(copy).returncode, page.read_text(encoding="utf-8")) == (0, good)


def test_a_changed_value_and_a_stray_diagram_are_found(copy: Path) -> None:
    _alone(copy, "docs/spec/ghostly.md")
    page = copy / "docs" / "spec" / "ghostly.md"
    page.write_text(page.read_text(encoding="utf-8").replace("15 seconds<", "16 seconds<"), encoding="utf-8")
    (copy / "docs" / "spec" / "diagrams" / "ghostly-walk.svg").write_text("<svg/>", encoding="utf-8")
    found = _run(copy, "--check")
    assert found.returncode == 1
    named = re.findall(r"^(\S+) is not what the contract says", found.stderr, re.MULTILINE)
    assert named == ["docs/spec/diagrams/ghostly-walk.svg", "docs/spec/ghostly.md"]


WRONG_MARKERS = {
    "an unknown block": (
        "<!-- generated:poem -->\n<!-- /generated -->\n",
        "generated:poem: expected one of requirements",
    ),
    "an unknown profile": (
        "<!-- generated:events nobody -->\n<!-- /generated -->\n",
        "generated:events nobody: FileError",
    ),
    "a block without an end": ("<!-- generated:families -->\n", "expected each generated block to end with"),
    "an unknown value": (
        "<!-- value:ghostly heartbeat.color -->1<!-- / -->\n",
        "value:ghostly heartbeat.color: KeyError",
    ),
}


@pytest.mark.parametrize(("text", "said"), WRONG_MARKERS.values(), ids=WRONG_MARKERS)
def test_a_wrong_marker_names_its_page(text: str, said: str, copy: Path) -> None:
    _alone(copy)
    (copy / "docs" / "wrong.md").write_text(text, encoding="utf-8")
    found = _run(copy)
    assert found.returncode == 2
    assert found.stderr.startswith(f"{copy / 'docs' / 'wrong.md'}: ")
    assert said in found.stderr


# -------------------------------------------------------------------------------------------------------- the pages


def test_every_family_has_a_chapter_with_every_one_of_its_requirements() -> None:
    registry = load_registry()
    for family in registry.families:
        chapter = (ROOT / "docs" / "spec" / f"{family}.md").read_text(encoding="utf-8")
        ids = re.findall(r"^### ([A-Z]{3}-[0-9]{2})$", chapter, re.MULTILINE)
        assert ids == [row.id for row in registry.rows.values() if row.family == family]


def test_every_state_table_has_a_caption_that_says_what_the_picture_does_not() -> None:
    for name in builtin_profiles():
        chapter = (ROOT / "docs" / "spec" / f"{name}.md").read_text(encoding="utf-8")
        for lifecycle in load_profile(name).lifecycles.values():
            _, picture, rest = chapter.partition(f"](diagrams/{name}-{lifecycle.name}.svg)\n\n")
            caption = rest.partition("\n")[0]
            assert picture
            assert f"`{lifecycle.start}`" in caption
            assert ("followed from any state" in caption) == lifecycle.anywhere
            assert [kind for kind in lifecycle.forbids if f"`{kind}`" not in caption] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_line_begins_with_a_value(page: Path) -> None:
    # Markdown takes a comment at the start of a line for the end of the paragraph.
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.lstrip().startswith("<!-- value:")] == []


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_a_diagram_is_well_formed_and_stays_within_its_frame(path: Path) -> None:
    root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    texts = [element for element in root.iter() if element.tag.endswith("}text")]
    assert texts
    # 7.3 px a character of 12 px monospace, as the script has it.
    assert [t.text for t in texts if float(t.attrib["x"]) + 7.3 * len(t.text or "") > width] == []
    assert [t.text for t in texts if not 0 < float(t.attrib["y"]) < height] == []


# ------------------------------------------------------------------------------------- what is written as an example


@pytest.mark.parametrize("fence", _fences("json", "yaml", "python"), ids=str)
def test_an_example_is_in_its_language(fence: Fence) -> None:
    match fence.language:
        case "json":
            json.loads(fence.text)
        case "yaml":
            yaml.safe_load(fence.text)
        case _:
            ast.parse(fence.text)


TARGETS = [fence for fence in _fences("yaml") if "base_url:" in fence.text]
WAIVERS = [fence for fence in _fences("yaml") if fence.text.startswith("- id:") and "reason:" in fence.text]


@pytest.mark.parametrize("fence", TARGETS, ids=str)
def test_an_example_of_a_target_file_is_one(fence: Fence) -> None:
    check_shape(yaml.safe_load(fence.text), "target", str(fence))


def test_there_are_examples_of_target_files_and_waivers() -> None:
    assert len(TARGETS) == 8
    assert len(WAIVERS) == 2


@pytest.mark.parametrize("fence", WAIVERS, ids=str)
def test_an_example_of_waivers_is_one(fence: Fence) -> None:
    check_shape(yaml.load(fence.text, Loader=yaml.BaseLoader), "waivers", str(fence))  # noqa: S506 - texts only


def test_the_requests_of_the_control_page_are_requests() -> None:
    text = (ROOT / "docs" / "spec" / "control.md").read_text(encoding="utf-8")
    asked = [json.loads(body) for body in re.findall(r"-d '(\{\"do\".*?\})'", text, re.DOTALL)]
    assert [one["do"] for one in asked] == ["describe", "script", "fail", "publish", "state"]
    asked += [json.loads(fence.text) for fence in _fences("json") if '"do": ' in fence.text]
    assert len(asked) == 6
    assert [error.message for one in asked for error in meta_validator("control").iter_errors(one)] == []


def _sse(text: str) -> Iterator[tuple[str, str]]:
    """Event name and data of each block, as the page shows them: one line of each. A comment alone is no block."""
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            yield fields["event"], fields["data"]


def _events(fence: Fence, profile: Profile) -> list[tuple[str, Any]]:
    """Type and value of each event of an example."""
    if fence.language == "ndjson":
        values = [json.loads(line) for line in fence.text.splitlines()]
        return [(profile.kind_of(value) or "", value) for value in values]
    return [
        (kind, data) if (kind := profile.unread_kind(name, data)) else _told(profile, name, json.loads(data))
        for name, data in _sse(fence.text)
    ]


def _told(profile: Profile, name: str, value: Any) -> tuple[str, Any]:
    return profile.kind_of(value, name) or "", value


def _walk(lifecycle: Lifecycle, events: list[tuple[str, Any]]) -> dict[Any, frozenset[str]]:
    """Where a table may be after these events, for each value of its key; begun in its first state."""
    states: dict[Any, frozenset[str]] = {}
    for kind, value in events:
        if lifecycle.knows(kind):
            key = tuple(pointed(value, place) for place in lifecycle.key)
            before = states.get(key, frozenset({lifecycle.start}))
            states[key] = lifecycle.may_be(before, kind)
            assert states[key], f"{lifecycle.name}: {kind} in {sorted(before)}"
    return states


# For each system the kind of start whose stream its chapter shows, and where that leaves one of its tables.
SHOWN = {
    "ghostly": ("run", "run", "done"),
    "promptfloe": ("build", "build", "done"),
    "rockstar": ("session", "session", "over"),
    "agent-workspace": ("", "connection", "live"),
    "cosma": ("", "queue_item", "gone"),
}


def test_every_system_has_a_chapter() -> None:
    assert set(SHOWN) == set(builtin_profiles())


@pytest.mark.parametrize("page", SHOWN)
def test_the_stream_that_a_system_chapter_shows_conforms(page: str) -> None:
    profile = load_profile(page)
    start, table, end = SHOWN[page]
    shown = [fence for fence in _fences("sse", "ndjson") if fence.page.stem == page]
    assert len(shown) == 1
    events = _events(shown[0], profile)
    for kind, value in events:
        file = profile.schema_file(kind)
        assert file is not None, kind
        assert profile.schemas.decider(file)(value), (kind, value)
    walked = {lifecycle.name: _walk(lifecycle, events) for lifecycle in profile.lifecycles_of(start)}
    assert list(walked[table].values()) == [frozenset({end})]
