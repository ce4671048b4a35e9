"""The tests of observing: streams made by hand, of which it is known what they are."""
