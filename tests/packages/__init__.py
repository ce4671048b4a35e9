"""Programs of others that use what is packed: the npm package, and the types of Python."""
