"""What the scenarios play: sounds of Asterisk's core set, and one that is nowhere."""

SHORT = "sound:hello"
LONG = "sound:demo-congrats"
MISSING = "sound:no-such-sound"

_LENGTHS_MS = {SHORT: 786, LONG: 30_000}


def length_of(media: str) -> int | None:
    """How long it plays, for the simulated network."""
    return _LENGTHS_MS.get(media)
