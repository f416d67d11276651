"""Flows to begin with."""
