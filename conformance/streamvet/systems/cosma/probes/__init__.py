"""The probes of cosma, as a table.

They judge nothing.
"""

from __future__ import annotations

from streamvet.probes import ANY_AMBIENT
from streamvet.probes.probe import Ambient, Probe
from streamvet.systems.cosma.probes import files, stream

PROBES: tuple[Probe, ...] = (
    Probe(
        "a pause", stream.pausing, (*ANY_AMBIENT, "COS-03", "COS-04", "COS-05", "COS-20", "EVT-10"),
        stream.pausing_stimuli,
        connections=1, ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "newcomers to a pause", stream.latecomers, ("CAT-17",), stream.latecomers_stimuli,
        connections=3, ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "files", files.files,
        ("COS-06", "COS-07", "COS-08", "COS-09", "COS-10", "COS-11", "COS-12", "COS-13", "COS-14", "COS-15", "COS-16",
         "COS-19", "COS-21", "COS-22", "COS-23", "COS-24", "COS-25", "COS-26", "COS-27", "COS-28", "COS-29", "COS-30",
         "COS-32", "COS-33", "COS-34", "COS-35", "COS-37", "EVT-08", "EVT-10", "ORD-01", "ORD-08", "ACC-07"),
        files.files_stimuli, needs=("directory",), connections=1, ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "a file during a pause", files.held, ("COS-15", "COS-16", "COS-17", "COS-31", "COS-33", "COS-36", "COS-37"),
        files.held_stimuli,
        needs=("directory",), connections=1, ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "a burst of files", files.burst, ("COS-17", "COS-26", "COS-33", "COS-37", "COS-38"), files.burst_stimuli,
        needs=("directory",), connections=1, ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "an unknown item", stream.unknown_item, ("COS-14", "ACC-07"), stream.unknown_item_stimuli,
        connections=1, ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "first head", stream.head, ("COS-01",), stream.head_stimuli, connections=1, ambient=Ambient.NEEDS_SILENCE,
    ),
    Probe("the other path", stream.path, ("COS-02",), stream.path_stimuli, connections=1),
    Probe(
        "asked to stop", stream.stop, ("COS-18", "TRM-01", "TRM-02", "TRM-03", "TRM-04", "TRM-11", "TRN-04", "SSE-01"),
        stream.stop_stimuli, needs=("launch",), connections=3, alone=True,
    ),
)  # fmt: skip
