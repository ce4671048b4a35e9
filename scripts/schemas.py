"""Writes what is generated from the schemas: `python scripts/schemas.py`, or `--check` to see what would change.

The base of every `$id` is `site_url` of mkdocs.yml and the path at which the site serves the schemas; it stands there
alone, and this script writes it into the files. Must not know what the contract says.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs_schemas import SERVED_AT
from schema_files import apart, bundle, placed, readings, union, written
from schema_openapi import document
from schema_python import module, package
from schema_types import types_of
from schema_typescript import declarations, index
from schema_union import UnionError, pascal
from streamvet.contract import extending
from streamvet.contract.files import FileError
from streamvet.contract.loading import profile_of

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = re.compile(r'^(  "\$id": )"[^"]*"', re.MULTILINE)
# Where there is nothing but what this script writes.
MADE = (
    "schemas/*/*.schema.json", "schemas/openapi/*", "schemas/*.d.ts", "schemas/*/*.d.ts",
    "conformance/streamvet/types/*.py",
)  # fmt: skip
SITE = re.compile(r"^site_url: (\S+?)/?$", re.MULTILINE)


def base(root: Path = ROOT) -> str:
    """What every `$id` begins with: change it in mkdocs.yml, and run this script."""
    found = SITE.search((root / "mkdocs.yml").read_text(encoding="utf-8"))
    if found is None:
        raise UnionError(f"{root / 'mkdocs.yml'}: expected a line that begins with site_url:")
    return f"{found[1]}/{SERVED_AT}/"


def addressed(schemas: Path, start: str) -> dict[Path, str]:
    """Every schema that is written by hand, with its address."""
    found = {}
    patterns = ("*/*/*.schema.json", "known/*/*/*.schema.json", "meta/*.schema.json")
    for path in sorted(path for pattern in patterns for path in schemas.glob(pattern)):
        address = start + path.relative_to(schemas).as_posix()
        found[path] = ADDRESS.sub(rf'\g<1>"{address}"', path.read_text(encoding="utf-8"), count=1)
    return found


def generated(root: Path, start: str) -> dict[Path, str]:
    """Every file that this script makes, with its text."""
    found: dict[Path, str] = {}
    schemas, modules = root / "schemas", root / "conformance" / "streamvet" / "types"
    profiles = [_profile(path) for path in sorted(schemas.glob("*/profile.yaml"))]
    found[modules / "__init__.py"] = package([profile.name for profile in profiles])
    found[schemas / "index.d.ts"] = index({one.name: _camel(one.name) for one in profiles})
    for profile in profiles:
        folder, types = profile.folder, types_of(profile)
        described = schemas / "openapi" / f"{profile.name}.openapi.json"
        found[described] = written(document(profile, start + described.relative_to(schemas).as_posix()))
        found[folder / "index.d.ts"] = declarations(profile.title, types)
        found[modules / f"{profile.name.replace('-', '_')}.py"] = module(profile.title, types)
        for name in readings(profile):
            whole = bundle(profile, name)
            made = {name: union(profile, name), f"{name}.bundle": whole.whole, f"{name}.types": apart(whole)}
            for file, schema in made.items():
                path = folder / f"{file}.schema.json"
                address = start + path.relative_to(schemas).as_posix()
                found[path] = written(placed(schema, address))
    return found


def _camel(name: str) -> str:
    return name[0] + pascal(name)[1:]


def _profile(path: Path) -> Profile:
    """A profile, of which another copy of the repository may have another one of the same name."""
    raw, extended = extending.whole(path)
    return profile_of(raw, path, extended)


def wanted(root: Path = ROOT) -> dict[Path, str]:
    """Every file that this script writes, with the text that it should have.

    Raises:
        UnionError: where a schema cannot be made.
        FileError: where a profile cannot be read.
    """
    schemas, start = root / "schemas", base(root)
    return addressed(schemas, start) | generated(root, start)


def main(arguments: list[str] | None = None) -> int:
    """Run the command: 0 done or nothing to do, 1 where `--check` finds a difference, 2 where nothing can be made."""
    parser = argparse.ArgumentParser(description="Write what is generated beside the schemas.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where something would change")
    parser.add_argument("--root", type=Path, default=ROOT, help="another copy of the repository")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    try:
        texts = wanted(root)
    except (UnionError, FileError) as error:
        print(error, file=sys.stderr)
        return 2
    stray = {path for pattern in MADE for path in root.glob(pattern) if path.parent.name != "meta"} - set(texts)
    stale = {path for path, text in texts.items() if not path.exists() or path.read_text(encoding="utf-8") != text}
    for path in sorted(stale | stray):
        name = path.relative_to(root)
        if options.check:
            print(f"{name} is not what the contract says; run: python scripts/schemas.py", file=sys.stderr)
        elif path in stray:
            path.unlink()
            print(f"removed {name}")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path], encoding="utf-8")
            print(f"wrote {name}")
    return 1 if options.check and (stale or stray) else 0


if __name__ == "__main__":
    sys.exit(main())
