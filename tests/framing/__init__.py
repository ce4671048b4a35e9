"""The tests of `streamvet.framing`. A package, so that they can share their tables."""
