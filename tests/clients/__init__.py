"""Tests of `streamvet.clients`: the vectors, the bench, and what is judged."""
