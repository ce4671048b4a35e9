"""Prints the contract into the docs: `python scripts/docs.py`, or `--check` to see whether anything would change.

In a Markdown file, what stands between `<!-- generated:KIND ARGUMENTS -->` and `<!-- /generated -->` belongs to this
script; `blocks` says what each kind prints. Within a sentence, `<!-- value:PROFILE PATH -->15 seconds<!-- / -->` is one
value of a profile. Must not know what the contract says.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from pathlib import Path

from blocks import BLOCKS
from profile_blocks import diagrams, value
from streamvet.contract.files import FileError

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
MARKED = re.compile(r"<!-- generated:([^\n]*?) -->\n(.*?)<!-- /generated -->", re.DOTALL)
VALUE = re.compile(r"<!-- value:([^\n]*?) -->[^\n<]*<!-- / -->")
# Blocks that another script fills, because they take a run of the suite.
ELSEWHERE = {"transcript"}
SHOWN_LINES = 20  # of the difference in one file; the rest is of the same kind


class MarkerError(Exception):
    """A marker that names no block, or is not closed."""


def printed(path: Path, text: str) -> str:
    """The text of a Markdown file with every block as the contract has it now.

    Raises:
        MarkerError: with the file and the marker.
    """

    def block(found: re.Match[str]) -> str:
        name, *arguments = found[1].split()
        if name in ELSEWHERE:
            return found[0]
        if name not in BLOCKS:
            raise MarkerError(f"{path}: generated:{name}: expected one of {', '.join(BLOCKS)}, got {name!r}")
        try:
            lines = BLOCKS[name](*arguments)
        except (FileError, KeyError, TypeError, StopIteration, ValueError) as error:
            raise MarkerError(f"{path}: generated:{found[1]}: {type(error).__name__}: {error}") from error
        return "\n".join([f"<!-- generated:{found[1]} -->", "", *lines, "", "<!-- /generated -->"])

    def inline(found: re.Match[str]) -> str:
        try:
            profile, place = found[1].split()
            return f"<!-- value:{found[1]} -->{value(profile, place)}<!-- / -->"
        except (FileError, KeyError, ValueError) as error:
            raise MarkerError(f"{path}: value:{found[1]}: {type(error).__name__}: {error}") from error

    opened = len(re.findall(r"^<!-- generated:", text, re.MULTILINE))
    if opened != len(MARKED.findall(text)):
        raise MarkerError(f"{path}: expected each generated block to end with <!-- /generated -->")
    return VALUE.sub(inline, MARKED.sub(block, text))


def wanted() -> dict[Path, str]:
    """Every file that this script writes, with the text that it should have."""
    pages = sorted([*DOCS.rglob("*.md"), *ROOT.glob("README.md")])
    texts = {page: printed(page, page.read_text(encoding="utf-8")) for page in pages}
    return texts | {DOCS / "spec" / name: text for name, text in diagrams().items()}


def main(arguments: list[str] | None = None) -> int:
    """Run the command: 0 done or nothing to do, 1 where `--check` finds a difference, 2 for a wrong marker."""
    parser = argparse.ArgumentParser(description="Print the contract into the docs.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where something would change")
    check = parser.parse_args(arguments).check
    try:
        texts = wanted()
    except MarkerError as error:
        print(error, file=sys.stderr)
        return 2
    stray = set((DOCS / "spec" / "diagrams").glob("*")) - set(texts)
    stale = {path for path, text in texts.items() if not path.exists() or path.read_text(encoding="utf-8") != text}
    for path in sorted(stale | stray):
        name = path.relative_to(ROOT)
        if check:
            print(f"{name} is not what the contract says; run: python scripts/docs.py", file=sys.stderr)
            before = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            after = texts.get(path, "").splitlines()
            difference = list(difflib.unified_diff(before, after, lineterm="", n=0))
            sys.stderr.writelines(f"{line}\n" for line in difference[:SHOWN_LINES])
        elif path in stray:
            path.unlink()
            print(f"removed {name}")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path], encoding="utf-8")
            print(f"wrote {name}")
    return 1 if check and (stale or stray) else 0


if __name__ == "__main__":
    sys.exit(main())
