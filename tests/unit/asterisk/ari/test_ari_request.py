"""How operations become requests, and answers errors."""

import pytest

from app.asterisk.ari import (
    AriConflict,
    AriError,
    AriNotFound,
    AriRefused,
    AriServerError,
    AriUnauthorized,
    AriUnavailable,
    checked_id,
)
from app.asterisk.ari.request import checked_url, error_of, given, query_string, segment
from app.asterisk.ari.websocket import rest_request


@pytest.mark.parametrize("good", ["a", "outring-01J9.2:x_Y", "x" * 149])
def test_an_id_may_be_what_asterisk_takes_without_escaping(good: str) -> None:
    assert checked_id(good) == good


@pytest.mark.parametrize("bad", ["", "x" * 150, "a/b", "a b", "a\r\nb", "a\n", "ä", "../x", "a?b=c", "a,b", "a%2F"])
def test_any_other_id_is_refused_before_anything_is_sent(bad: str) -> None:
    with pytest.raises(ValueError, match="not an ARI id"):
        checked_id(bad)
    with pytest.raises(ValueError, match="not an ARI id"):
        given({"channelId": bad})


def test_what_is_not_given_is_not_sent_and_false_and_nought_are() -> None:
    assert given({"app": None, "beep": False, "timeout": 0}) == {"beep": False, "timeout": 0}


def test_a_segment_cannot_reach_another_path() -> None:
    assert segment("2024/a b?c=d&e#f%") == "2024%2Fa%20b%3Fc%3Dd%26e%23f%25"
    assert segment("a\r\nHost: x") == "a%0D%0AHost%3A%20x"
    for elsewhere in ("", ".", ".."):
        with pytest.raises(ValueError, match="ARI path"):
            segment(elsewhere)


def test_a_query_value_cannot_become_a_parameter() -> None:
    assert query_string({"reason": "a&b=c d\r\n", "media": ["x", "y"], "on": True}) == (
        "reason=a%26b%3Dc%20d%0D%0A&media=x%2Cy&on=true"
    )


def test_a_websocket_request_carries_parameters_apart_from_its_uri() -> None:
    got = rest_request("7", "DELETE", "/channels/x", {"reason": "a&b"})
    assert b'"uri":"channels/x"' in got
    assert b'"query_strings":[{"name":"reason","value":"a&b"}]' in got


@pytest.mark.parametrize(
    ("status", "answer", "kind", "not_done"),
    [
        (400, b'{"message":"Endpoint must be specified"}', AriRefused, True),
        (401, b'{"message":"Authentication required"}', AriUnauthorized, True),
        (403, b'{"message":"Write access denied"}', AriUnauthorized, True),
        (403, b'{"message":"Could not delete object"}', AriRefused, True),
        (404, b'{"message":"Channel not found"}', AriNotFound, True),
        (404, b'{"message":"Resource not found"}', AriUnavailable, True),
        (404, b"<!DOCTYPE HTML>", AriUnavailable, True),
        (409, b'{"message":"Channel with given unique ID already exists"}', AriConflict, True),
        (422, b'{"message":"Event source does not exist"}', AriRefused, True),
        (302, b"", AriUnavailable, True),
        (400, b"<html>", AriRefused, True),
        (500, b'{"error":"Allocation failed"}', AriServerError, True),
        (500, b'{"message":"Internal error"}', AriServerError, False),
        (500, b"<html>", AriServerError, False),
        (501, b'{"message":"Not implemented"}', AriServerError, True),
        (502, b"<html>", AriServerError, False),
        (503, b'{"message":"Asterisk not booted"}', AriUnavailable, True),
        (503, b"\xff\xfe", AriUnavailable, True),
    ],
)
def test_each_answer_says_whether_the_request_was_carried_out(
    status: int, answer: bytes, kind: type[AriError], not_done: bool
) -> None:
    error = error_of(status, answer, "POST", "/channels")
    assert type(error) is kind
    assert error.is_certainly_not_done is not_done
    assert error.status == status
    assert str(error).startswith(f"POST /channels answered {status}: ")


@pytest.mark.parametrize("bad", ["", "127.0.0.1:8088/ari", "ftp://x/ari", "http:///ari", "http://x/ari?a=b"])
def test_an_address_nothing_could_reach_is_refused_at_once(bad: str) -> None:
    with pytest.raises(ValueError, match="not the address of an ARI"):
        checked_url(bad)


def test_a_password_in_the_address_is_not_repeated_in_the_error() -> None:
    with pytest.raises(ValueError, match="settings of their own") as caught:
        checked_url("http://outring:secret@127.0.0.1/ari")
    assert "secret" not in str(caught.value)
