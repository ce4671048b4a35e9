"""Tests of what is generated, and of what becomes of it."""
