"""Text from the websocket into events."""

import json

import msgspec
import pytest

from app.asterisk.ari import DIALER_EVENTS, UnknownEvent
from app.asterisk.ari import models as ari
from app.asterisk.ari.events import decode_message

CHANNEL = {
    "id": "c1",
    "protocol_id": "",
    "name": "PJSIP/x-1",
    "state": "Up",
    "caller": {"name": "", "number": ""},
    "connected": {"name": "", "number": ""},
    "accountcode": "",
    "dialplan": {"context": "d", "exten": "s", "priority": 1, "app_name": "", "app_data": ""},
    "creationtime": "now",
    "language": "en",
}
DESTROYED = {
    "type": "ChannelDestroyed",
    "application": "outring",
    "timestamp": "now",
    "cause": 17,
    "cause_txt": "User busy",
    "channel": CHANNEL,
}


def test_an_event_is_told_apart_by_its_type() -> None:
    event = decode_message(json.dumps(DESTROYED))
    assert isinstance(event, ari.ChannelDestroyed)
    assert (event.type, event.cause, event.channel.id, event.tech_cause) == ("ChannelDestroyed", 17, "c1", None)


def test_fields_of_a_newer_asterisk_are_passed_over() -> None:
    event = decode_message(json.dumps(DESTROYED | {"novelty": [1], "channel": CHANNEL | {"colour": "red"}}))
    assert isinstance(event, ari.ChannelDestroyed)


def test_a_plain_field_asterisk_leaves_out_is_empty_and_the_event_not_lost() -> None:
    event = decode_message('{"type":"ChannelDestroyed","channel":{"id":"c1","caller":{},"connected":{},"dialplan":{}}}')
    assert isinstance(event, ari.ChannelDestroyed)
    assert (event.channel.id, event.cause, event.cause_txt, event.application) == ("c1", 0, "", "")


def test_an_event_cannot_be_changed() -> None:
    event = decode_message(json.dumps(DESTROYED))
    with pytest.raises(AttributeError):
        setattr(event, "cause", 16)  # noqa: B010 (mypy already knows it cannot be)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"type":"ChannelTeleported","application":"x"}', "ChannelTeleported"),
        (json.dumps(DESTROYED | {"cause": "busy"}), "ChannelDestroyed"),
        ('{"type":"StasisStart"}', "StasisStart"),
        ("{}", ""),
        ("[1]", ""),
        ("not json", ""),
        ("", ""),
        ('{"type":7}', ""),
    ],
)
def test_what_is_not_understood_is_handed_on_as_it_came(text: str, kind: str) -> None:
    event = decode_message(text)
    assert isinstance(event, UnknownEvent)
    assert (event.type, event.text) == (kind, text)
    assert event.problem


def test_bytes_that_are_no_text_are_not_understood_either() -> None:
    assert isinstance(decode_message(b'{"type":"\xff"}'), UnknownEvent)


def test_the_filter_names_events_that_exist() -> None:
    assert all(isinstance(getattr(ari, name, None), type) for name in DIALER_EVENTS)
    assert all(issubclass(getattr(ari, name), msgspec.Struct) for name in DIALER_EVENTS)
