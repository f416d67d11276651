"""The door numbers go out by: whatever comes in, only `PJSIP/digits@name` goes out."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.asterisk.endpoint import CONTEXT, EXTENSION, caller_id_for, dialed, endpoint_for, phone_endpoint, shown_as
from app.model import NumberFormat, Trunk
from app.units import Number, TrunkId

SAFE = re.compile(r"PJSIP/\+?[0-9]{3,15}@[A-Za-z0-9][A-Za-z0-9_.-]*")
GOOD = Number("+447700900123")
NASTY = "\r\n\x00@/&;:,|=$?{}()[]<>\"'\\ %#*~+-._"
NASTY_TEXT = st.text(alphabet=st.one_of(st.sampled_from(NASTY + "0123456789sipLocal"), st.characters()), max_size=45)
ALMOST = st.tuples(st.sampled_from(["", GOOD, "my-provider"]), NASTY_TEXT, st.sampled_from(["", "0900", "-2"])).map(
    "".join
)

INJECTIONS = [
    "+447700900123\r\nX-Evil: 1",
    "+447700900123\n",
    "\n+447700900123",
    "+447700900123\r",
    "sip:x@host",
    "+447700900123@host",
    "sip:+447700900123@host",
    "Local/x@ctx",
    "+447700900123&PJSIP/900123",
    "+447700900123;transport=tcp",
    "+447700900123/n",
    "+447700900123,30,b(evil^s^1)",
    "+" + "4" * 40,
    "4" * 40,
    "+٤٤٧٧٠٠٩٠٠١٢٣",
    "+४४७७००९००१२३",
    "+４４７７００９００１２３",
    "${SHELL(id)}",
    "+447700900123 ",
    "+44 7700 900123",
    "+447700900123\x00",
    "+44770090012²",
    "",
    "+",
]


def trunk(**changes: Any) -> Trunk:
    return Trunk(**({"id": TrunkId("t1"), "endpoint": "my-provider", "prefixes": ("+",)} | changes))


def test_a_number_on_a_trunk_becomes_its_endpoint() -> None:
    assert endpoint_for(trunk(), GOOD) == "PJSIP/+447700900123@my-provider"


@pytest.mark.parametrize("prefixes", [("+",), ("",), ("4", "+4", "s", "L")])
@pytest.mark.parametrize("text", [*INJECTIONS, "447700900123", "+4٤٧٧٠٠٩٠٠١٢٣"])
def test_an_injected_number_is_refused_whatever_the_trunk_is_for(text: str, prefixes: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="number"):
        endpoint_for(trunk(prefixes=prefixes), Number(text))


@pytest.mark.parametrize(
    "text",
    [
        *[text for text in INJECTIONS if text != "4" * 40],
        "-x",
        ".x",
        "a" * 65,
        "my provider",
        "провайдер",
        "my-provider\n",
    ],
)
def test_an_endpoint_that_is_no_plain_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="plain name of a PJSIP endpoint"):
        endpoint_for(trunk(endpoint=text), GOOD)


@pytest.mark.parametrize("text", [text for text in INJECTIONS if text])
def test_an_injected_caller_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="caller id"):
        caller_id_for(text)


@pytest.mark.parametrize("text", [text for text in INJECTIONS if text not in ("4" * 40, "+")])
def test_an_injected_extension_or_context_is_none(text: str) -> None:
    assert CONTEXT.fullmatch(text) is None
    assert EXTENSION.fullmatch(text) is None


@pytest.mark.parametrize("prefix", ["9@", "9;", "9\n", "x", "9&", "٩", "9" * 10])
def test_a_format_that_makes_no_number_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="number format makes"):
        endpoint_for(trunk(number_format=NumberFormat(keep_plus=False, prefix=prefix)), GOOD)


FORMATS = st.builds(
    NumberFormat,
    keep_plus=st.booleans(),
    country_code=st.one_of(st.sampled_from(["", "44", "7"]), NASTY_TEXT),
    national_prefix=st.one_of(st.sampled_from(["", "0", "8"]), NASTY_TEXT),
    prefix=st.one_of(st.sampled_from(["", "9", "00"]), NASTY_TEXT),
)
PREFIXES = st.one_of(st.just(("+",)), st.lists(NASTY_TEXT, max_size=3).map(tuple), st.just(("",)))


@given(st.one_of(st.just("my-provider"), ALMOST), st.one_of(st.just(str(GOOD)), ALMOST), FORMATS, PREFIXES)
def test_no_input_yields_an_endpoint_with_anything_but_digits_and_a_plain_name(
    endpoint: str, to: str, form: NumberFormat, prefixes: tuple[str, ...]
) -> None:
    try:
        built = endpoint_for(trunk(endpoint=endpoint, number_format=form, prefixes=prefixes), Number(to))
    except ValueError:
        return
    assert SAFE.fullmatch(built), built
    assert built.isascii()


@given(st.one_of(NASTY_TEXT, ALMOST))
def test_a_caller_id_is_nothing_or_plain_digits(text: str) -> None:
    try:
        shown = caller_id_for(text)
    except ValueError:
        return
    assert shown is None or re.fullmatch(r"\+?[0-9]{3,15}", shown)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (NumberFormat(), "+447700900123"),
        (NumberFormat(keep_plus=False), "447700900123"),
        (NumberFormat(country_code="44", national_prefix="0"), "07700900123"),
        (NumberFormat(country_code="44"), "7700900123"),
        (NumberFormat(country_code="44", national_prefix="0", prefix="9"), "907700900123"),
        (NumberFormat(country_code="7", national_prefix="8"), "+447700900123"),  # abroad: stays international
        (NumberFormat(country_code="7", keep_plus=False, prefix="00"), "00447700900123"),
    ],
)
def test_a_trunk_gets_the_number_as_it_wants_it(form: NumberFormat, expected: str) -> None:
    assert dialed(GOOD, form) == expected
    assert endpoint_for(trunk(number_format=form), GOOD) == f"PJSIP/{expected}@my-provider"


@pytest.mark.parametrize(
    ("prefixes", "is_carried"),
    [((), False), (("+",), True), (("+44",), True), (("+7", "+447"), True), (("+7",), False), (("44",), False)],
)
def test_a_trunk_carries_only_what_its_prefixes_name(prefixes: tuple[str, ...], is_carried: bool) -> None:
    if is_carried:
        assert endpoint_for(trunk(prefixes=prefixes), GOOD)
    else:
        with pytest.raises(ValueError, match="does not carry"):
            endpoint_for(trunk(prefixes=prefixes), GOOD)


def test_no_caller_id_is_none() -> None:
    assert caller_id_for("") is None
    assert caller_id_for("+442079460000") == "+442079460000"


# --- phones ----------------------------------------------------------------------------------------------------------


@given(NASTY_TEXT)
def test_only_a_plain_name_rings_a_phone(name: str) -> None:
    try:
        endpoint = phone_endpoint(name)
    except ValueError:
        return
    assert re.fullmatch(r"PJSIP/[A-Za-z0-9][A-Za-z0-9_.-]*", endpoint)


@pytest.mark.parametrize("name", ["", "10/x", "1001@host", "1001/sip:x@192.0.2.1", "Local/x@ctx", "10\n01", "../1001"])
def test_what_is_no_phone_is_not_rung(name: str) -> None:
    with pytest.raises(ValueError, match="plain name"):
        phone_endpoint(name)


@given(NASTY_TEXT, NASTY_TEXT)
def test_what_a_phone_shows_stays_in_its_quotes_and_on_its_line(name: str, number: str) -> None:
    shown = shown_as(name, number)
    assert shown is None or re.fullmatch(r'"[^"\\<>\x00-\x1f\x7f-\x9f\u2028\u2029]{0,60}" <(\+?[0-9]{1,15})?>', shown)


@pytest.mark.parametrize(
    ("name", "number", "shown"),
    [
        ("Spring campaign", "+442079460000", '"Spring campaign" <+442079460000>'),
        ("Весна", "1001", '"Весна" <1001>'),
        ("", "1001", '"" <1001>'),
        ("Name", "", '"Name" <>'),
        ("Name", "12<3>", '"Name" <>'),
        ("a\r\nX-Evil: 1", "1\r\n", '"a X-Evil: 1" <>'),
        ("", "", None),
        ("\n", "x", None),
    ],
)
def test_what_a_phone_shows(name: str, number: str, shown: str | None) -> None:
    assert shown_as(name, number) == shown
