"""Hostile candidates: a table of them, how each behaves, and the test that none takes the suite down."""
