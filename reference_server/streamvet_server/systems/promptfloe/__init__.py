"""promptfloe: builds, skills and augmenters whose answers are streams. `systems` says which modules a room hands on."""
