"""The hook of mkdocs that serves the contract: each schema at the path of its `$id`, and the YAML files beside them.

Must not know what is in the files, nor write any: mkdocs copies them from where they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
SERVED = ("*/*.schema.json", "*/*/*.schema.json", "*/profile.yaml", "*/statements.yaml", "requirements.yaml")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the contract under `schemas/v1/`."""
    for path in sorted(path for pattern in SERVED for path in SCHEMAS.glob(pattern)):
        name = f"schemas/v1/{path.relative_to(SCHEMAS).as_posix()}"
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files
