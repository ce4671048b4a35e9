"""The published documents as programs."""
