"""agent-workspace: pipelines that are watched. `systems` says which modules a room hands on."""
