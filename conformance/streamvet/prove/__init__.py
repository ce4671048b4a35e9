"""The suite against every fault of the reference server: each must be caught, and caught as what it is.

Must not know how the server commits a fault.
"""

from __future__ import annotations

from streamvet.prove.breaking import prove_the_proof
from streamvet.prove.hunting import Catch, Hunt, Hunted, catches, go_hunting, hunts
from streamvet.prove.matrix import Cell, Done, Job, compare, compare_pair, matrix
from streamvet.prove.pairing import PAIRS, pairs_of
from streamvet.prove.running import jobs, kept, perform, perform_one

__all__ = [
    "PAIRS",
    "Catch",
    "Cell",
    "Done",
    "Hunt",
    "Hunted",
    "Job",
    "catches",
    "compare",
    "compare_pair",
    "go_hunting",
    "hunts",
    "jobs",
    "kept",
    "matrix",
    "pairs_of",
    "perform",
    "perform_one",
    "prove_the_proof",
]
