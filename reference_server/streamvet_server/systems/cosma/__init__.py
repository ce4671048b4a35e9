"""cosma: an index of files, and one stream of what happens to it. `systems` says which modules a room hands on."""
