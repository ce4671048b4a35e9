"""Holds the prose that readers see to a plain form: `python scripts/prose.py` prints each place that departs from it.

Two checks. The text of a requirement is one sentence with the key word of its level, a subject that can act and the
condition first. And no prose has one of a few words and openings that a reader has to decipher; the list is short, so
that each hit is worth a change. Must not know what a requirement asks for.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[1]
# What a pattern finds, and what to write.
ODD: Mapping[str, str] = {
    r"\b[Tt]old\b": "sent, announced, stated or shown",
    r"\b[Ss]tands?\b(?! for)": "is, occurs",
    r"\bin vain\b": "without success",
    r"\bspoil(t|ed|s)?\b": "violates, changes",
    r"\b[Nn]obody\b": "no client, no reader",
    r"\b[Ww]hoever\b": "a client that",
    r"\bfor ever\b": "forever",
    r"(?<!\bThat )\b(is|are|was|were) there(?=[.,;:]|$| and\b| already\b| too\b)": "exists, is present",
    r"\blets? (\w+ ){0,3}(pass|through)\b": "accepts",
    r"\b[Ll]eft out where\b|\bwhere (it|that) is left out\b": "absent if, by default",
    r"\btrips? over\b": "fails on",
    r"\bnone the less\b": "leave it out",
    r"\bso many (events|bytes|times|spaces)\b": "a number of",
    r"\bin the place of\b": "instead of",
    r"\bwhat came of\b": "the result of",
    r"\b[Ww]ho (comes|joins|gave|reads|leaves|asks)\b": "a reader that, a client that",
    r"\bwithout a word\b": "without an event, without output",
    r"\bone's own\b": "your own",
    r"\bturn(s|ed)? away\b": "refuses",
    r"\bfor so long\b": "for this long",
    r"\bputs? (\w+ ){1,2}off\b": "postpones",
    r"\b[Ww]ithout this key\b": "Absent:, Default:",
    r"\bmended\b": "fixed",
    r"\b(document|event|member) a line\b": "one … per line",
    r"\b(are|is) theirs\b": "belongs to",
    r"\bbrings? it about\b": "causes it",
    r"\btell(s|ing)? of\b": "announces, states, reports",
    r"\bto the letter\b": "exactly",
    r"\bthe other way round\b": "the inverse",
    r"\b[Ww]hom to trust\b": "the trusted authorities",
    r"\bgo(es)? by the (protocol|document)\b": "uses",
}
# A clause as the subject of a sentence. Headings, tables and questions are left out before.
CLAUSE = re.compile(
    r"^(What|Who|That(?= (?:an?|the|each|every|it|no) )) [^?]*\b(is|are|was|were|has|have|gets|becomes?)\b[^?]*[.;]"
)
WORDS = 2  # a text with fewer spaces is a name
FIXED = ("waited in vain",)  # values of the trace format, which do not change
KEY_WORDS = re.compile(r"\b(?:MUST NOT|MUST|SHOULD NOT|SHOULD|MAY|SHALL|REQUIRED|RECOMMENDED|OPTIONAL)\b")
ACTORS = re.compile(r"\b(?:server|stream|client|intermediary|profile|it) (?:MUST|SHOULD)\b")
DESCRIPTION = re.compile(r'"description": "((?:[^"\\]|\\.)*)"')
GENERATED = re.compile(r"<!-- generated:.*?<!-- /generated -->", re.DOTALL)
FENCE = re.compile(r"^( *)(`{3,})[^\n]*\n.*?^\1\2$", re.MULTILINE | re.DOTALL)
FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


class Place(NamedTuple):
    """A text and where it is."""

    name: str
    text: str


def files_of_rows() -> list[Path]:
    """The files of requirements."""
    return [ROOT / "schemas" / "requirements.yaml", *sorted((ROOT / "schemas").glob("*/requirements.yaml"))]


def rows() -> Iterator[Place]:
    """Every text that the rows of the contract give a reader."""
    for path in files_of_rows():
        for row in yaml.safe_load(path.read_text(encoding="utf-8"))["requirements"]:
            texts = {key: row[key] for key in ("text", "when", "why", "excluded") if key in row}
            texts |= {"raised": row["raised"]["text"]} if "raised" in row else {}
            yield from (Place(f"{row['id']} {key}", text) for key, text in texts.items())
    examples = [*(ROOT / "schemas" / "traces").glob("*.yaml"), *(ROOT / "schemas").glob("*/traces/rows.yaml")]
    for path in sorted(examples):
        for row in yaml.safe_load(path.read_text(encoding="utf-8")):
            yield Place(f"{path.relative_to(ROOT)} {row['id']} note", row["note"])


def data() -> Iterator[Place]:
    """Every text of the statements, the requirements on clients and the descriptions in our own schemas."""
    schemas = ROOT / "schemas"
    for path in sorted(schemas.glob("*/statements.yaml")):
        for number, row in enumerate(yaml.safe_load(path.read_text(encoding="utf-8"))["statements"], start=1):
            yield Place(f"{path.relative_to(ROOT)} line {number}", row["text"])
    for row in yaml.safe_load((schemas / "clients" / "rows.yaml").read_text(encoding="utf-8"))["requirements"]:
        yield from (Place(f"{row['id']} {key}", row[key]) for key in ("text", "why"))
    for path in sorted((schemas / "meta").glob("*.schema.json")):
        for text in DESCRIPTION.findall(path.read_text(encoding="utf-8")):
            yield Place(str(path.relative_to(ROOT)), re.sub(r"`[^`]*`", "`…`", text))


# The rooms whose texts a user reads: help, messages, findings, reports and drafts.
SPEAKING = ("cli", "report", "contract", "checks", "observing", "systems")


def messages() -> Iterator[Place]:
    """Every text of some words in the code of these rooms; a docstring is none."""
    for room in SPEAKING:
        for path in sorted((ROOT / "conformance" / "streamvet" / room).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            said = {
                id(one.body[0].value)
                for one in ast.walk(tree)
                if isinstance(one, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                and one.body
                and isinstance(one.body[0], ast.Expr)
            }
            for one in ast.walk(tree):
                text = one.value if isinstance(one, ast.Constant) and id(one) not in said else None
                if isinstance(text, str) and text.count(" ") >= WORDS and text not in FIXED:
                    yield Place(f"{path.relative_to(ROOT)}:{getattr(one, 'lineno', 0)}", text)


def paragraphs(markdown: str) -> Iterator[str]:
    """The prose of a page, a paragraph or a line of a list or table at a time; what is in code is left out."""
    text = FRONT.sub("", FENCE.sub("", GENERATED.sub("", markdown)))
    text = re.sub(r"`[^`\n]*`", "`…`", re.sub(r"<!--.*?-->", "", text))
    for block in re.split(r"\n\s*\n|\n(?=\s*[-|*] |\s*\d+\. |\|)", text):
        yield " ".join(block.split())


def pages() -> Iterator[Place]:
    """The prose of every page."""
    for path in sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), ROOT / "reference_server" / "README.md"]):
        if path.name != "CHANGELOG.md":  # what was said of a version stays
            name = str(path.relative_to(ROOT))
            yield from (Place(name, one) for one in paragraphs(path.read_text(encoding="utf-8")))


def odd_words(place: Place) -> Iterator[str]:
    """The words in one text that a reader has to decipher."""
    for pattern, better in ODD.items():
        for found in re.finditer(pattern, place.text):
            yield f"{place.name}: {found[0]!r}: write {better}: {_around(place.text, found)}"


def odd(place: Place) -> Iterator[str]:
    """What departs from plain prose in one text."""
    yield from odd_words(place)
    if place.text.startswith(("#", "|")):
        return
    for sentence in re.split(r"(?<=[.?!]) ", re.sub(r"^([-*]|\d+\.) ", "", place.text)):
        if clause := CLAUSE.match(sentence):
            yield f"{place.name}: a clause that begins with {clause[1]!r} is the subject: {sentence[:90]}"


def _around(text: str, found: re.Match[str]) -> str:
    return text[max(0, found.start() - 40) : found.end() + 40]


def form(name: str, level: str, text: str) -> Iterator[str]:
    """What a requirement lacks of one normative sentence."""
    if not text.endswith("."):
        yield f"{name}: expected a sentence with a full stop"
    if re.search(r"[.!?] [A-Z]", text):
        yield f"{name}: expected one sentence"
    words = KEY_WORDS.findall(text)
    if level == "NOTE":
        if words:
            yield f"{name}: a NOTE has no key word, got {words[0]}"
        return
    if [word.removesuffix(" NOT") for word in words] != [level]:
        yield f"{name}: expected {level} once, got {', '.join(words) or 'no key word'}"
    elif not ACTORS.search(text):
        yield f"{name}: expected a server, a stream, a client, an intermediary or a profile before {words[0]}"


def forms() -> Iterator[str]:
    """What the requirements lack of their form."""
    for path in files_of_rows():
        for row in yaml.safe_load(path.read_text(encoding="utf-8"))["requirements"]:
            yield from form(row["id"], row["level"], row["text"])
            if "raised" in row:
                yield from form(f"{row['id']} raised", row["raised"]["level"], row["raised"]["text"])
    for row in yaml.safe_load((ROOT / "schemas" / "clients" / "rows.yaml").read_text(encoding="utf-8"))["requirements"]:
        yield from form(row["id"], row["level"], row["text"])


def main() -> int:
    """Run the command: 0 where nothing departs from the form, 1 where something does."""
    # A description is a fragment: a clause is no subject there.
    words = (one for place in [*data(), *messages()] for one in odd_words(place))
    found = [*forms(), *(one for place in [*rows(), *pages()] for one in odd(place)), *words]
    for one in found:
        print(one, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
