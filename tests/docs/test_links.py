"""Every link of the pages leads somewhere: in the repository, where they are read as files, and on the built site.

Knows Markdown and HTML as far as links go; it must not know what the pages say.
"""

from __future__ import annotations

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
    """The links and the ids of a page of the site."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is None:
                continue
            if name == "id":
                self.ids.add(value)
            if name in ("href", "src") and (tag, dict(attrs).get("rel")) != ("link", "canonical"):
                self.links.append(value)


class _Lost(NamedTuple):
    page: str
    link: str


def test_every_link_leads_to_a_file_of_the_site(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in tmp_path.rglob("*.html")}
    assert len(pages) > len(list((ROOT / "docs").rglob("*.md")))  # and the page for what is not found
    lost = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or path.name == "404.html":  # whose links begin at the root of the site
                continue
            aim = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = pages[aim].ids if aim in pages else set()
            if not aim.exists() or (parts.fragment and parts.fragment not in known):
                lost.append(_Lost(str(path.relative_to(tmp_path)), link))
    assert lost == []
