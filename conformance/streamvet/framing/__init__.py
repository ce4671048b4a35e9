"""Floor 0: bytes -> frames, and a line's text -> its JSON value. Imports nothing of streamvet above it."""
