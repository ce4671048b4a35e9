"""The hook of mkdocs that serves the contract: each schema at the path of its `$id`, and the YAML files beside them.

A page links the files as the repository has them; here the links come to lead to where the site has them. Must not know
what is in the files, nor write any: mkdocs copies them from where they are.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
SERVED_AT = "schemas/v1"
SERVED = (
    "*/*.schema.json", "*/*/*.schema.json", "*/profile.yaml", "*/statements.yaml", "requirements.yaml",
    "*/requirements.yaml", "openapi/*.json",
    "known/*/*/*.schema.json", "known/*/profile.yaml",
)  # fmt: skip


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the contract."""
    for path in sorted(path for pattern in SERVED for path in SCHEMAS.glob(pattern)):
        name = f"{SERVED_AT}/{path.relative_to(SCHEMAS).as_posix()}"
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - their names
    """Turn the links to `schemas/` of the repository, which is beside `docs/`, to those of the site, which is in it."""
    up = "../" * page.file.src_uri.count("/")
    return re.sub(rf"\]\({re.escape(up)}\.\./schemas/", f"]({up}{SERVED_AT}/", markdown)
