"""What a run is told as: one value, and one module for each form in which it leaves the suite.

Must not know how a trace was made or a verdict reached; the bytes of a candidate are never trusted here.
"""
