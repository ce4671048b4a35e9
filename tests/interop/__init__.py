"""Types that generators of others make of the schemas: compiled, and tried with each vector."""
