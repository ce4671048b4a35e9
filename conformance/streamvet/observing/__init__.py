"""Observing: what a stream seems to promise, found out by somebody who has no profile of it.

It asks for a stream, guesses what its parts mean, and drafts the profile folder that says so. A guess is never a
verdict: the room must not know checks, nor what is right or wrong.
"""
