"""Tests of decoding, checks and judging."""
