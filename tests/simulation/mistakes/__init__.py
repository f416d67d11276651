"""Mistakes planted in the engine, one at a time, to see whether whoever watches it finds them. `make mistakes`."""
