"""What comes in at the door of ARI events: any JSON, mutated events, deep nesting, bytes that are no text.

Long: `python -m tests.fuzz.events --max-time 120`; short: `test_events.py`, over the same strategies.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.asterisk.ari.events import DIALER_EVENTS, UnknownEvent, decode_message
from app.asterisk.ari.models import AnyMessage

DEEPEST = 5_000
"""Beyond what Python, and Asterisk's own JSON library, take."""
TEXT = st.text(alphabet=st.characters(), max_size=20)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT)
FIELDS = st.sampled_from(
    ["application", "bridge", "caller", "cause", "channel", "dialstatus", "id", "peer", "timestamp", "userevent"]
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(FIELDS, TEXT), inner, max_size=6)),
    max_leaves=20,
)
KINDS = st.one_of(st.sampled_from(DIALER_EVENTS), st.just("RESTResponse"), SCALARS)
MESSAGES = st.tuples(KINDS, st.dictionaries(FIELDS, ANY_JSON, max_size=8)).map(
    lambda made: json.dumps({"type": made[0]} | made[1])
)
RAW_SURROGATES = st.text(alphabet=st.characters(categories=["Cs"]), min_size=1, max_size=3).map(
    lambda text: f'{{"type":"{text}"}}'
)
DEEP = st.tuples(st.sampled_from(["Dial", "ChannelUserevent", "Novelty"]), st.integers(1, DEEPEST)).map(
    lambda made: f'{{"type":"{made[0]}","userevent":{"[" * made[1]}{"]" * made[1]}}}'
)


@st.composite
def cut_or_changed(draw: st.DrawFn) -> bytes:
    """A message of which one byte was changed, or whose end is missing."""
    whole = bytearray(draw(MESSAGES).encode())
    at = draw(st.integers(0, len(whole) - 1))
    if draw(st.booleans()):
        return bytes(whole[:at])
    whole[at] = draw(st.integers(0, 255))
    return bytes(whole)


FRAMES: st.SearchStrategy[str | bytes] = st.one_of(
    MESSAGES, ANY_JSON.map(json.dumps), cut_or_changed(), DEEP, RAW_SURROGATES, st.binary(max_size=80), TEXT
)


def decoded(frame: str | bytes) -> AnyMessage | UnknownEvent:
    """What became of a frame: an event, or an unknown one that says why; anything raised is a defect."""
    event = decode_message(frame)
    if isinstance(event, UnknownEvent):
        assert event.problem, "an unknown event without a reason"
        event.text.encode()
        event.type.encode()
    return event


def trial(max_examples: int, *, is_same_each_time: bool) -> Callable[[], None]:
    """A run over so many frames."""

    @settings(
        max_examples=max_examples,
        derandomize=is_same_each_time,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(FRAMES)
    def run(frame: str | bytes) -> None:
        decoded(frame)

    return run


def _main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--max-time", type=float, default=120, help="seconds")
    ends_at_s = time.monotonic() + parser.parse_args().max_time
    rounds = 0
    while time.monotonic() < ends_at_s:
        trial(1_000, is_same_each_time=False)()
        rounds += 1
    print(f"ARI events: {rounds} rounds of up to 1000 frames, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(_main())
