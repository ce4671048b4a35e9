"""A candidate that echoes secrets, and how it spells them."""
