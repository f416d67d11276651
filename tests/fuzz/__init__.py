"""Doors of Outring under whatever may come in."""
