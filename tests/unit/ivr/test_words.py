"""Numbers, money, dates and times are said as people say them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from app.ivr import words


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("0", "ноль рублей"),
        ("1", "один рубль"),
        ("2", "два рубля"),
        ("4", "четыре рубля"),
        ("5", "пять рублей"),
        ("11", "одиннадцать рублей"),
        ("12", "двенадцать рублей"),
        ("14", "четырнадцать рублей"),
        ("21", "двадцать один рубль"),
        ("22", "двадцать два рубля"),
        ("100", "сто рублей"),
        ("101", "сто один рубль"),
        ("111", "сто одиннадцать рублей"),
        ("1000", "одна тысяча рублей"),
        ("2000", "две тысячи рублей"),
        ("1000001", "один миллион один рубль"),
        ("0.01", "одна копейка"),
        ("0.02", "две копейки"),
        ("0.05", "пять копеек"),
        ("0.11", "одиннадцать копеек"),
        ("1.21", "один рубль двадцать одна копейка"),
        ("1250.50", "одна тысяча двести пятьдесят рублей пятьдесят копеек"),
        ("-3.42", "минус три рубля сорок две копейки"),
        ("0.005", "одна копейка"),
        ("0.999", "один рубль"),
    ],
)
def test_roubles_take_their_case(amount: str, said: str) -> None:
    assert words.money(Decimal(amount), "RUB", "ru") == said


@pytest.mark.parametrize(
    ("amount", "currency", "language", "said"),
    [
        ("1", "GBP", "en", "one pound"),
        ("25.50", "GBP", "en", "twenty-five pounds and fifty pence"),
        ("0.01", "GBP", "en", "one penny"),
        ("1000000", "USD", "en", "one million dollars"),
        ("-2", "USD", "en", "minus two dollars"),
        ("2", "UAH", "ru", "две гривны"),
        ("1000001", "UAH", "ru", "один миллион одна гривна"),
        ("5", "EUR", "ru", "пять евро"),
        ("3.01", "USD", "ru", "три доллара один цент"),
    ],
)
def test_other_currencies(amount: str, currency: str, language: str, said: str) -> None:
    assert words.money(Decimal(amount), currency, language) == said


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("2026-11-22", "ru", "двадцать второе ноября"),
        ("22.11.2026", "ru", "двадцать второе ноября"),
        ("2026-01-01", "ru", "первое января"),
        ("3/5/26", "ru", "третье мая"),
        ("2026-08-31 10:00", "ru", "тридцать первое августа"),
        ("2026-11-22", "en", "the twenty-second of November"),
        ("2026-11-22T14:30:00Z", "en", "the twenty-second of November"),
        ("2026-11-22", "de", "22. November"),
    ],
)
def test_dates(text: str, language: str, said: str) -> None:
    day = words.read_date(text)
    assert day is not None
    assert words.date_in_words(day, language) == said


def test_dates_with_their_year_and_american_order() -> None:
    day = words.read_date("11/22/2026", "mdy")
    assert day == dt.date(2026, 11, 22)
    assert words.date_in_words(day, "ru", with_year=True) == "двадцать второе ноября две тысячи двадцать шестого года"
    assert words.date_in_words(day, "en", with_year=True) == "the twenty-second of November, twenty twenty-six"


@pytest.mark.parametrize("text", ["31.02.2026", "2026-13-01", "tomorrow", "", "22.11", "1" * 50])
def test_what_is_no_date(text: str) -> None:
    assert words.read_date(text) is None


@pytest.mark.parametrize(
    ("text", "english", "russian"),
    [
        ("14:30", "two thirty p m", "четырнадцать часов тридцать минут"),
        ("9:05", "nine oh five a m", "девять часов пять минут"),
        ("21:01", "nine oh one p m", "двадцать один час одна минута"),
        ("1:22", "one twenty-two a m", "один час двадцать две минуты"),
        ("00:00", "midnight", "ноль часов ровно"),
        ("12 :00", None, None),
        ("12:00", "noon", "двенадцать часов ровно"),
        ("2:30 pm", "two thirty p m", "четырнадцать часов тридцать минут"),
        ("12:15 a.m.", "twelve fifteen a m", "ноль часов пятнадцать минут"),
        ("2026-11-22 14:00", "two p m", "четырнадцать часов ровно"),
        ("25:00", None, None),
        ("10:60", None, None),
        ("13:00 pm", None, None),
    ],
)
def test_times(text: str, english: str | None, russian: str | None) -> None:
    time = words.read_time(text)
    assert (None if time is None else words.time_in_words(time, "en")) == english
    assert (None if time is None else words.time_in_words(time, "ru")) == russian


@pytest.mark.parametrize(
    ("text", "language", "is_money", "number"),
    [
        ("1250", "en", False, "1250"),
        ("1,250.50", "en", False, "1250.50"),
        ("1.250,50", "ru", False, "1250.50"),
        ("1 250,50", "ru", False, "1250.50"),
        ("1\u00a0250,50", "ru", True, "1250.50"),
        ("1,5", "ru", False, "1.5"),
        ("1,250", "en", False, "1250"),
        ("1,250", "ru", False, "1.250"),
        ("1,250", "ru", True, "1250"),
        ("1,234,567", "en", False, "1234567"),
        ("£25", "en", True, "25"),
        ("−3", "ru", False, "-3"),
        ("1'000", "en", True, "1000"),
        ("abc", "en", False, None),
        ("", "en", False, None),
        ("1e5", "en", False, None),
        ("9" * 41, "en", False, None),
        ("9" * 16, "en", False, None),
        ("1.2.3,4,5", "en", False, None),
        ("NaN", "en", False, None),
        ("٣", "en", False, None),
    ],
)
def test_numbers_as_people_write_them(text: str, language: str, is_money: bool, number: str | None) -> None:
    assert words.read_number(text, language, is_money=is_money) == (None if number is None else Decimal(number))


@pytest.mark.parametrize(
    ("number", "language", "said"),
    [
        ("21", "ru", "двадцать один"),
        ("1000001", "ru", "один миллион один"),
        ("3.50", "ru", "три целых пять десятых"),
        ("3.50", "en", "three point five"),
        ("-7", "en", "minus seven"),
        ("1000000", "en", "one million"),
    ],
)
def test_numbers(number: str, language: str, said: str) -> None:
    assert words.number_in_words(Decimal(number), language) == said


def test_digits_one_by_one() -> None:
    assert words.digits_in_words("40-71", "en") == "four, zero, seven, one"
    assert words.digits_in_words("+7 (9)", "ru") == "семь, девять"
    assert words.digits_in_words("12a", "en") is None
    assert words.digits_in_words("", "en") is None


def test_a_language_without_number_words_gets_figures() -> None:
    assert words.number_in_words(Decimal(12), "xx") == "12"
    assert words.money(Decimal("12.50"), "EUR", "xx") == "12.5 EUR"
