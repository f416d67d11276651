"""Ids and numbers: what is taken, what is refused and how it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.units import ATTEMPT_ID, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, masked, number


@pytest.mark.parametrize("text", ["+12345", "+447700900123", "+79161234567", "+123456789012345"])
def test_a_number_in_e164_is_taken_as_it_is(text: str) -> None:
    assert number(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "447700900123",  # no plus
        "00447700900123",
        "+0447700900123",  # no country begins with 0
        "+1234",  # too short
        "+1234567890123456",  # too long
        "+" + "1" * 40,
        "+44 7700 900123",
        "+44(0)7700900123",
        "+447700900123\n",
        "\n+447700900123",
        "+447700900123\r\nX-Header: 1",
        "+4477009001234;user=phone",
        "+447700900123@host",
        "+٤٤٧٧٠٠٩٠٠١٢٣",  # Arabic digits
        "+4٤٧٧٠٠٩٠٠١٢٣",
        "＋447700900123",  # a full-width plus
        "+４４７７００９００１２３",
        "tel:+447700900123",
        "+44770090012x",
        "+447700900123\x00",
    ],
)
def test_anything_else_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a number in E\.164.*such as \+447700900123"):
        number(text)


@given(st.text(max_size=60))
def test_whatever_is_taken_is_a_plus_and_plain_digits(text: str) -> None:
    try:
        taken = number(text)
    except ValueError:
        return
    assert taken.isascii()
    assert taken[0] == "+"
    assert taken[1:].isdigit()
    assert 6 <= len(taken) <= 16


def test_a_refusal_repeats_no_more_of_a_long_text_than_is_needed() -> None:
    with pytest.raises(ValueError, match="not a number") as refused:
        number("9" * 100_000)
    assert len(str(refused.value)) < 200


@given(st.from_regex(r"\A\+[1-9][0-9]{4,14}\Z"))
def test_a_masked_number_hides_all_but_its_country_and_last_two_digits(text: str) -> None:
    shown = masked(text)
    assert len(shown) == len(text)
    assert shown.count("*") == len(text) - 5
    assert shown[:3] == text[:3]
    assert shown[-2:] == text[-2:]


@pytest.mark.parametrize("text", ["", "1", "12345"])
def test_what_is_too_short_to_show_a_part_of_is_hidden_whole(text: str) -> None:
    assert masked(text) == "*" * len(text)


@pytest.mark.parametrize(
    "text", ["../../etc/x", "a b c d e f", "abcdefg", "ABCDEFGH", "a" * 41, "abcdefgh\n", "абвгдежз"]
)
def test_an_attempts_id_is_safe_in_a_channel_a_file_and_a_log(text: str) -> None:
    assert ATTEMPT_ID.fullmatch(text) is None


def test_units_of_time_are_milliseconds() -> None:
    assert (SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS) == (1_000, 60_000, 3_600_000, 86_400_000)
