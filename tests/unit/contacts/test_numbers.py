"""Numbers as people write them: what is read, what is refused, and that the fast way agrees with phonenumbers."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.contacts.numbers import NumberProblem, country, normalise, reader_for
from app.contacts.plans import is_subscriber, main_regions, plan_of, read_plainly, reads_as_itself
from app.units import number

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


@pytest.mark.parametrize(
    ("written", "region", "expected"),
    [
        ("+44 7700 900123", "US", "+447700900123"),
        ("07700 900123", "GB", "+447700900123"),
        ("+44 (0)7700 900123", "RU", "+447700900123"),
        ("0044 7700 900123", "RU", "+447700900123"),
        ("00447700900123", "GB", "+447700900123"),
        ("011 44 7700 900123", "US", "+447700900123"),
        ("810 44 7700 900123", "RU", "+447700900123"),
        ("447700900123", "GB", "+447700900123"),
        ("tel:+44-7700-900123", "US", "+447700900123"),
        ("TEL: 07700 900123", "GB", "+447700900123"),
        ("504-621-8927", "US", "+15046218927"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("202.555.0123", "US", "+12025550123"),
        ("1 202 555 0123", "US", "+12025550123"),
        ("8 (916) 123-45-67", "RU", "+79161234567"),
        ("8-812-123-45-67", "RU", "+78121234567"),
        ("9161234567", "RU", "+79161234567"),
        ("79161234567", "RU", "+79161234567"),
        ("+7 812 123 45 67", "US", "+78121234567"),
        ("81 281 65 30", "BY", "+375812816530"),
        ("030 123456", "DE", "+4930123456"),
        ("06 6982 0000", "IT", "+390669820000"),
        ("７９１６１２３４５６７", "RU", "+79161234567"),
        ("＋４４（７７００）９００１２３", "US", "+447700900123"),
        ("٠٧٧٠٠٩٠٠١٢٣", "GB", "+447700900123"),
        ("+44\u00a07700\u2011900\u2013123", "US", "+447700900123"),
        ("\u202a+447700900123\u202c\ufeff", "US", "+447700900123"),
        ("'+447700900123", "US", "+447700900123"),
        ("  07700 900123  ", "GB", "+447700900123"),
        ("79161234567.0", "RU", "+79161234567"),
        ("5046218927.00", "US", "+15046218927"),
        ("7.9161234567E10", "RU", "+79161234567"),
        ("7,9161234567E+10", "RU", "+79161234567"),
    ],
)
def test_reads_a_number_as_people_write_it(written: str, region: str, expected: str) -> None:
    assert normalise(written, region) == expected


@pytest.mark.parametrize(
    ("written", "region", "why"),
    [
        ("", "GB", "empty"),
        ("   ", "GB", "empty"),
        ("-", "GB", "no digit"),
        ("n/a", "US", "no digit"),
        ("нет", "RU", "no digit"),
        ("1-800-FLOWERS", "US", "letters"),
        ("07700900123x", "GB", "letters"),
        ("07700900123@example.com", "GB", "at sign"),
        ("07700900123&PJSIP/1", "GB", "ampersand"),
        ("07700900123/07700900124", "GB", "slash"),
        ("07700900123;ext=1", "GB", "extension|semicolon"),
        ("07700900123, 07700900124", "GB", "comma"),
        ("*67 202 555 0123", "US", "star"),
        ("#31#07700900123", "GB", "hash"),
        ("++447700900123", "GB", "plus"),
        ("07700+900123", "GB", "plus"),
        ("07700\r\n900123", "GB", "line break"),
        ("07700900123\n", "GB", "line break"),
        ("07700\x00900123", "GB", "control character"),
        ("4" * 40, "GB", "40 digits"),
        ("07700 900123 ext. 12", "GB", "extension"),
        ("8 495 123-45-67 доб. 12", "RU", "extension"),
        ("+442071838750#12", "GB", "extension"),
        ("12-3", "US", "expected 10 digits.*found 3"),
        ("621-8927", "US", "local|expected 10"),
        ("1234567", "GB", "expected 9 to 10"),
        ("112", "DE", "found 3"),
        ("11833", "DE", "service"),
        ("911", "US", "found 3"),
        ("8-916-123-45-67", "US", "found 11"),
        ("+999 123 456 789", "GB", "calling code"),
        ("+49 00 5604402850", "DE", "two ways"),
        ("+8 916 123 45 67", "RU", "calling code"),
        ("7.91612E+10", "RU", "dropped its last digits"),
        ("7.9E10", "RU", "dropped its last digits"),
        ("١٢", "GB", "found 2"),
    ],
)
def test_refuses_what_is_doubtful_and_says_why_and_how_to_mend_it(written: str, region: str, why: str) -> None:
    problem = normalise(written, region)
    assert isinstance(problem, NumberProblem), problem
    assert re.search(why, problem.why)
    assert problem.mend
    assert problem.found.isprintable()
    assert len(problem.found) <= 120


@pytest.mark.parametrize("written", ["+12025550123", "+447700900123", "504-621-8927", "+79161234567"])
def test_the_fast_way_reads_the_common_ways_of_writing(written: str) -> None:
    clean = "".join(sign for sign in written if sign in "+0123456789")
    assert read_plainly(clean, plan_of("US")) == normalise(written, "US")


@pytest.mark.parametrize(("text", "mend"), [("UK", "GB"), ("England", "ISO"), ("", "ISO"), ("XX", "ISO")])
def test_an_unknown_country_is_refused_with_a_hint(text: str, mend: str) -> None:
    with pytest.raises(ValueError, match=mend):
        country(text)


def test_a_country_is_taken_in_small_letters() -> None:
    assert country(" gb ") == "GB"


def _by_phonenumbers(clean: str, region: str) -> str | None:
    try:
        parsed = phonenumbers.parse(clean, region)
    except phonenumbers.NumberParseException:
        return None
    if not is_subscriber(parsed) or not reads_as_itself(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@st.composite
def written_digits(draw: st.DrawFn) -> tuple[str, str]:
    """A region and digits that could be dialed there: bare, with national prefix, with a country's code."""
    region = draw(st.sampled_from(REGIONS))
    digits = draw(st.text("0123456789", min_size=1, max_size=15))
    kind = draw(st.sampled_from(["bare", "plus", "abroad", "home", "prefix", "real", "real national"]))
    match kind:
        case "plus":
            return region, "+" + digits
        case "abroad":
            return region, "+" + draw(st.sampled_from(sorted(main_regions()))) + digits
        case "home":
            return region, plan_of(region).calling_code + digits
        case "prefix":
            return region, (phonenumbers.ndd_prefix_for_region(region, True) or "") + digits
        case "real" | "real national":
            types = phonenumbers.PhoneNumberType
            example = phonenumbers.example_number_for_type(
                region, draw(st.sampled_from([types.MOBILE, types.FIXED_LINE]))
            )
            if example is not None:
                form = phonenumbers.PhoneNumberFormat
                wanted = form.E164 if kind == "real" else form.NATIONAL
                written = phonenumbers.format_number(example, wanted)
                changed = draw(st.text("0123456789", min_size=2, max_size=2))
                return region, "".join(sign for sign in written if sign in "+0123456789")[:-2] + changed
    return region, digits


@settings(max_examples=1_500, deadline=None)
@given(written_digits())
def test_the_fast_way_never_disagrees_with_phonenumbers(case: tuple[str, str]) -> None:
    region, clean = case
    fast = read_plainly(clean, plan_of(region))
    if fast is not None:
        assert fast == _by_phonenumbers(clean, region)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=30), st.sampled_from(["GB", "US", "RU", "DE", "JP", "BR"]))
def test_any_text_is_a_number_in_e164_or_a_problem(text: str, region: str) -> None:
    found = reader_for(region).read(text)
    if not isinstance(found, NumberProblem):
        assert number(found) == found


@settings(max_examples=300, deadline=None)
@given(written_digits())
def test_a_number_that_was_read_reads_as_itself_anywhere(case: tuple[str, str]) -> None:
    region, clean = case
    found = reader_for(region).read(clean)
    if not isinstance(found, NumberProblem):
        assert reader_for("NZ").read(found) == found
