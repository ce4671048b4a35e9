"""The format of trace files: its number, and the keys of the first record.

`meta/trace.schema.json` describes each record; the package's docstring shows them. Must not know how records are read
or written.
"""

from __future__ import annotations

FORMAT = 2
# The keys of the first record, and what JSON has there.
FIRST: dict[str, tuple[type, ...]] = {
    "probe": (str,), "stimulus": (dict,), "profile": (str,), "digest": (str,), "revision": (int,),
    "time_scale": (int, float), "wall_clock": (int, float), "lacks": (list,), "accounts": (dict,), "late": (list,),
}  # fmt: skip
