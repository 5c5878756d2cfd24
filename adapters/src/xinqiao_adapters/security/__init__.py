"""How a channel's inputs are signed and encrypted, as data of its profile: models, keys, and pure functions."""
