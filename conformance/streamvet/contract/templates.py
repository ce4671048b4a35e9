"""The templates of `events.script.emits`: what a step of a script holds, for any text and any key.

Must not know which types there are, nor who makes scripts.
"""

from __future__ import annotations

from typing import Any

# What stands in a template for a text, and for the place of a key: 0, 1, ….
TEXT, KEY = "{text}", "{key}"


def spelt(template: Any, key: int, text: str) -> Any:
    """A template with a key and a text; a string that is only the key becomes a number."""
    if isinstance(template, dict):
        return {name: spelt(one, key, text) for name, one in template.items()}
    if isinstance(template, list):
        return [spelt(one, key, text) for one in template]
    if not isinstance(template, str):
        return template
    return key if template == KEY else text.join(part.replace(KEY, str(key)) for part in template.split(TEXT))
