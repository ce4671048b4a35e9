"""Candidates that others could have written, in other stacks."""
