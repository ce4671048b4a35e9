"""Makes the matrix: each system in each language. Writes `matrix.json` beside this file, from which the docs print it.

With --system or --language only their rows are made anew. Must not know how a language is tried.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.interop.cases import cases, survives
from tests.interop.languages import GENERATORS, LANGUAGES, REFUSED, Absent, Broken
from tests.interop.limits import why

from streamvet.contract.folders import builtin_profiles

FILE = Path(__file__).with_name("matrix.json")


def row(system: str, language: str) -> dict[str, Any]:
    """What a language made of a system's vectors."""
    found: dict[str, Any] = {"system": system, "language": language, "generator": GENERATORS[language]}
    tried = cases(system)
    with tempfile.TemporaryDirectory() as folder:
        try:
            answers = LANGUAGES[language](system, tried, Path(folder))
        except Absent as why:
            return {**found, "skipped": str(why)}
        except Broken as why:
            return {**found, "broken": str(why)}
    pairs = list(zip(tried, answers, strict=True))
    lost = [one.path for one, back in pairs if one.valid and (back is REFUSED or not survives(system, one, back))]
    valid, refused = sum(one.valid for one in tried), sum(not one.valid and back is REFUSED for one, back in pairs)
    return {**found, "valid": valid, "lost": lost, "invalid": len(tried) - valid, "refused": refused}


def _keep(made: dict[str, Any]) -> None:
    """Put a row into the file, in the place of the one that is there."""
    before = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else []
    rows = {(one["system"], one["language"]): one for one in [*before, made]}
    names = [(system, language) for system in builtin_profiles() for language in LANGUAGES]
    text = json.dumps([rows[name] for name in names if name in rows], ensure_ascii=False, indent=1)
    FILE.write_text(f"{text}\n", encoding="utf-8")


def main() -> int:
    """Make the rows: 0 where each language that is installed loses no valid vector but those that are known."""
    parser = argparse.ArgumentParser(description="Types of others' generators, tried with every vector.")
    parser.add_argument("--system", choices=builtin_profiles(), action="append")
    parser.add_argument("--language", choices=LANGUAGES, action="append")
    options = parser.parse_args()
    bad = 0
    for system in options.system or builtin_profiles():
        for language in options.language or LANGUAGES:
            made = row(system, language)
            _keep(made)
            lost = [path for path in made.get("lost", ()) if why(language, path) is None]
            bad += bool(lost or made.get("broken"))
            sys.stderr.write(f"{json.dumps(made, ensure_ascii=False)}\n")
            sys.stderr.flush()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
