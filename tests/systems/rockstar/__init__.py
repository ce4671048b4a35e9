"""Tests of the rooms of single systems."""
