"""ghostly: browser runs that are watched. `systems` says which modules a room hands on."""
