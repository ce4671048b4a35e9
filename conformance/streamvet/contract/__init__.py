"""The contract as values: requirements, profiles, schemas and the user's target file.

Reads `schemas/` and files of the user; must not know of traces, checks or sockets.
"""
