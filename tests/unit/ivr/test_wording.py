"""Texts are filled with a contact's values and with nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ivr.wording import MAX_TEXT, MAX_VALUE, WordingError, by_key, filled, parsed, spoken


@pytest.mark.parametrize(
    ("text", "fields", "said"),
    [
        ("Hello, {name}.", {"name": "Anna"}, "Hello, Anna."),
        ("Hello, {NAME }.", {"Name": "Anna"}, "Hello, Anna."),
        ("Hello, {First name}.", {"first name": "Anna"}, "Hello, Anna."),
        ("Здравствуйте, {Имя}.", {"имя": "Ольга"}, "Здравствуйте, Ольга."),
        ("Hello, {name|friend}.", {"name": "  "}, "Hello, friend."),
        ("Hello, {name|}.", {}, "Hello."),
        ("Hello, {name}, and welcome.", {}, "Hello, and welcome."),
        ("{name}, welcome.", {}, "welcome."),
        ("{a}{b}", {"a": "{b}", "b": "x"}, "bx"),
        ("{name}", {"name": "{name.__class__}"}, "name.__class__"),
        ("{name}", {"name": "{{7*7}} {% if %}"}, "7*7 % if %"),
        ("{name}", {"name": "<speak><break time='9s'/></speak>"}, "speak break time='9s'/ /speak"),
        ("{name}", {"name": "[[h@l'oU]]"}, "h@l'oU"),
        ("{name}", {"name": "a\r\nb\x01c\x00"}, "a b c"),
        ("{name}", {"name": "\u202eevil\u202c ok"}, "evil ok"),
        ("{name}", {"name": "Ann 😀 Lee"}, "Ann Lee"),
        ("{name}", {"name": "שלום"}, "שלום"),
        ("{name}", {"name": 'O"Neil & Söhne; $(reboot) `x`'}, 'O"Neil & Söhne; $(reboot) x'),
    ],
)
def test_filled(text: str, fields: dict[str, str], said: str) -> None:
    assert filled(text, by_key(fields)) == said


@pytest.mark.parametrize(
    "text", ["{", "}", "{name", "name}", "{{name}}", "{}", "{ }", "{1a}", "{a!r}", "{a[0]}", "{a.}"]
)
def test_braces_that_are_no_field(text: str) -> None:
    with pytest.raises(WordingError) as caught:
        parsed(text)
    assert caught.value.mend


@given(st.text(max_size=500))
def test_no_value_is_markup_or_too_long(value: str) -> None:
    said = spoken(value)
    assert len(said) <= MAX_VALUE
    assert not set(said) & set("{}[]<>\\|`^~\n\r\t\0")
    assert said == spoken(said)


@given(st.text(max_size=300), st.text(max_size=300))
def test_values_never_become_templates(first: str, second: str) -> None:
    said = filled("{a} {b}", {"a": first, "b": second})
    assert "{" not in said
    assert len(said) <= MAX_TEXT
