"""The hook of mkdocs for what the site has besides its pages: short links to requirements, and what its footer says.

`/r/CAT-06` is a file that leads to the requirement, without JavaScript: `r/CAT-06/index.html`. Must not know what a
requirement asks for.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import yaml
from mkdocs.structure.files import File

from streamvet import __version__
from streamvet.contract.files import schemas_folder
from streamvet.contract.registry import load_registry

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{id}: {text}</title>
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="0; url={place}">
<link rel="canonical" href="{place}">
<p><a href="{place}">{id}</a> {text}</p>
</html>
"""


def short_links() -> dict[str, str]:
    """The page of each short link, by its path on the site."""
    found = {}
    rows = [(row.id, row.family, row.text) for row in load_registry().rows.values()]
    clients = yaml.safe_load((schemas_folder() / "clients" / "rows.yaml").read_text(encoding="utf-8"))
    rows += [(row["id"], "clients", row["text"]) for row in clients["requirements"]]
    for name, chapter, text in rows:
        place = f"../../spec/{chapter}.html#{name.lower()}"
        found[f"r/{name}/index.html"] = PAGE.format(id=name, text=escape(text), place=place)
    return found


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Say the version and the revision at the foot of each page."""
    config.copyright = f"streamvet {__version__} · specification revision {load_registry().revision} · Apache-2.0"
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the short links."""
    for path, text in short_links().items():
        files.append(File.generated(config, path, content=text))
    return files


# The theme's box for searching is a dialog without a name, which readers of screens need.
_UNNAMED, _NAMED = (
    'data-md-component="search" role="dialog"',
    'data-md-component="search" role="dialog" aria-label="Search"',
)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001 - as mkdocs calls it
    """Name the box for searching."""
    return output.replace(_UNNAMED, _NAMED)


def on_post_template(output: str, template_name: str, config: MkDocsConfig) -> str:  # noqa: ARG001 - as mkdocs calls it
    """The same on the page for what does not exist."""
    return output.replace(_UNNAMED, _NAMED)
