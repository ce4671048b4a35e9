"""The reference server: it obeys the contract, and can be told to commit one fault.

It must not know the suite: it never imports `streamvet` and never reads a profile, a requirement or a schema. Its
intervals and orders stand in its own code, so that a mistake in the contract and one here cannot hide each other.
"""
