"""Segments: conditions on contacts and their history, as data that people read and write; pure."""
