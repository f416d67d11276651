"""No frame of Asterisk's ends the reader of events. Long: `python -m tests.fuzz.events`."""

from __future__ import annotations

import pytest

from app.asterisk.ari.events import UnknownEvent
from tests.fuzz.events import DEEPEST, decoded, trial


def test_no_frame_raises() -> None:
    trial(300, is_same_each_time=True)()


@pytest.mark.parametrize("kind", ["ChannelUserevent", "Novelty"])
def test_nesting_too_deep_to_read_is_an_unknown_event(kind: str) -> None:
    event = decoded(f'{{"type":"{kind}","userevent":{"[" * DEEPEST}{"]" * DEEPEST}}}')
    assert isinstance(event, UnknownEvent)
    assert event.type == "", "read no further than the nesting"


def test_text_that_is_no_unicode_is_an_unknown_event() -> None:
    event = decoded('{"type":"\ud800"}')
    assert isinstance(event, UnknownEvent)
    assert "surrogates" in event.problem
