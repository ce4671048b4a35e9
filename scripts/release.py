"""Whether a tag may be released: the version is the same in all places, and the changelog has the release.

Must not know how a release is built or published.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


def versions(root: Path = ROOT) -> dict[str, str]:
    """The version of the tool in each place that names it."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    module = (root / "conformance" / "streamvet" / "version.py").read_text(encoding="utf-8")
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    return {
        "pyproject.toml": str(project),
        "conformance/streamvet/version.py": _first(r'^VERSION = "(.+)"$', module),
        "CHANGELOG.md": _first(r"^### Tool, version (\S+)$", changelog),
    }


def revisions(root: Path = ROOT) -> dict[str, str]:
    """The revision of the specification in each place that names it."""
    rows = yaml.safe_load((root / "schemas" / "requirements.yaml").read_text(encoding="utf-8"))
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    return {
        "schemas/requirements.yaml": str(rows["revision"]),
        "CHANGELOG.md": _first(r"^### Specification, revision (\d+)$", changelog),
    }


def wrong_with(tag: str, root: Path = ROOT) -> list[str]:
    """Why a tag may not be released; nothing where it may."""
    wrong = [
        f"{place}: expected {tag.removeprefix('v')}, got {found}"
        for place, found in versions(root).items()
        if f"v{found}" != tag
    ]
    if len(set(revisions(root).values())) != 1:
        wrong.append(f"the revision of the specification: {revisions(root)}")
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    if not re.search(rf"^## \[{re.escape(tag.removeprefix('v'))}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
        wrong.append(f"CHANGELOG.md: expected a section ## [{tag.removeprefix('v')}] with its day, got none")
    return wrong


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else "none"


if __name__ == "__main__":
    problems = wrong_with(sys.argv[1])
    print("\n".join(problems) or f"{sys.argv[1]} may be released")
    sys.exit(bool(problems))
