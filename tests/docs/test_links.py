"""Every link of the pages leads somewhere: in the repository, where they are read as files, and on the built site.

Knows Markdown and HTML as far as links go; it must not know what the pages say.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import pytest

from streamvet import __version__
from streamvet.contract.registry import load_registry

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    {
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "reference_server" / "README.md",
        *(path for path in (ROOT / "examples").rglob("*.md") if not {"node_modules", ".venv"} & set(path.parts)),
    }
)
FENCE = re.compile(r"^( *)(`{3,})[^\n]*\n.*?^\1\2$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a (?:id|name)=\"([^\"]+)\"")


def links_of(markdown: str) -> list[str]:
    """Where the links and pictures of a page lead; what is in code is none."""
    return LINK.findall(CODE.sub("`code`", FENCE.sub("", markdown)))


@cache
def anchors_of(path: Path) -> frozenset[str]:
    """The anchors that GitHub gives a Markdown file: its headings in small letters, without punctuation."""
    markdown = FENCE.sub("", path.read_text(encoding="utf-8"))
    found: list[str] = ANCHOR.findall(markdown)
    for heading in HEADING.findall(markdown):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        again = sum(1 for one in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", one))
        found.append(f"{slug}-{again}" if slug in found else slug)
    return frozenset(found)


def dead(page: Path) -> list[str]:
    """The links of a page of the repository that lead nowhere."""
    lost = []
    for link in links_of(page.read_text(encoding="utf-8")):
        parts = urlsplit(link)
        if parts.scheme:
            continue
        aim = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        there = aim.exists() and aim.is_relative_to(ROOT)
        if not there or (parts.fragment and (aim.suffix != ".md" or parts.fragment not in anchors_of(aim))):
            lost.append(link)
    return lost


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_of_the_repository(page: Path) -> None:
    assert dead(page) == []


def test_a_dead_link_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    (tmp_path / "to.md").write_text("# It's `one`\n\n# Two\n\n# Two\n", encoding="utf-8")
    page = tmp_path / "from.md"
    page.write_text(
        "[a](to.md) [b](to.md#its-one) [c](to.md#two-1) ![d](https://example.org/x) `[e](no.md)`\n"
        "[f](no.md) [g](to.md#three) [h](#no) [i](../out.md)\n\n```text\n[j](no.md)\n```\n",
        encoding="utf-8",
    )
    assert dead(page) == ["no.md", "to.md#three", "#no", "../out.md"]


class _Page(HTMLParser):
    """The links and the ids of a page of the site, what a browser loads for it, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.text = text
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for name, value in attrs:
            if value is None:
                continue
            if name == "id":
                self.ids.add(value)
            if name in ("href", "src") and (tag, values.get("rel")) != ("link", "canonical"):
                self.links.append(value)
                if tag in ("script", "img", "iframe") or (tag == "link" and values.get("rel") not in ("prev", "next")):
                    self.loads.append(value)


class _Lost(NamedTuple):
    page: str
    link: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment, timeout=600)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


@pytest.fixture(scope="module")
def built(site: Path) -> dict[Path, _Page]:
    """Every page of the site."""
    return {path: _Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_the_box_for_searching_has_a_name(built: dict[Path, _Page]) -> None:
    pages = [page.text for page in built.values() if 'role="dialog"' in page.text]
    assert pages
    assert [page for page in pages if 'role="dialog" aria-label="Search"' not in page] == []


def test_every_link_leads_to_a_file_of_the_site(site: Path, built: dict[Path, _Page]) -> None:
    assert len(built) > len(list((ROOT / "docs").rglob("*.md")))  # and the page for what is not found
    lost = []
    for path, page in built.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or path.name == "404.html":  # whose links begin at the root of the site
                continue
            aim = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = built[aim].ids if aim in built else set()
            if not aim.exists() or (parts.fragment and parts.fragment not in known):
                lost.append(_Lost(str(path.relative_to(site)), link))
    assert lost == []


def test_no_page_loads_anything_from_another_host(built: dict[Path, _Page]) -> None:
    loads = {load for page in built.values() for load in page.loads}
    assert loads
    assert [load for load in sorted(loads) if urlsplit(load).netloc] == []


def test_each_requirement_has_one_anchor_and_a_short_link(site: Path, built: dict[Path, _Page]) -> None:
    registry = load_registry()
    for row in registry.rows.values():
        assert [path.stem for path, page in built.items() if row.id.lower() in page.ids] == [row.family]
        short = built[site / "r" / row.id / "index.html"]
        assert short.links == [f"../../spec/{row.family}.html#{row.id.lower()}"]
        assert f'content="0; url={short.links[0]}"' in short.text


def test_every_page_says_its_version_and_revision(site: Path, built: dict[Path, _Page]) -> None:
    foot = f"streamvet {__version__} · specification revision {load_registry().revision}"
    pages = {path: page for path, page in built.items() if path.relative_to(site).parts[0] != "r"}
    assert [str(path.relative_to(site)) for path, page in pages.items() if foot not in page.text] == []


def test_the_search_finds_ids_types_and_paths(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    words = {
        word for page in index["docs"] for word in re.split(index["config"]["separator"], page["text"] + page["title"])
    }
    assert {"CAT-06", "file_created", "updates"} <= {re.sub(r"<[^>]*>|[.,;:()]", "", word) for word in words}
