"""rockstar: pushes of sessions and plans. `systems` says which modules a room hands on."""
