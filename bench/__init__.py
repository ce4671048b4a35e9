"""Benchmarks: each prints what it measures, and with `--record` writes it where the docs are printed from."""
