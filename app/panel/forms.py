"""Forms of the admin's pages: what people typed, read field by field, with every mistake told beside its field."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from aiohttp import web

from app.panel.doorkeeper import is_text

E = TypeVar("E", bound=enum.Enum)
MAX_TEXT = 20_000


class Form:
    """A form as it was typed (or as it is first shown). errors: by field, in the words of the program.

    Reading a field that is wrong notes the error and answers something harmless: look at `is_good` before using any.
    """

    def __init__(self, given: Mapping[str, str], many: Mapping[str, list[str]] | None = None) -> None:
        self._given = dict(given)
        self._many = dict(many or {})
        self.errors: dict[str, str] = {}

    @classmethod
    async def of(cls, request: web.Request) -> Form:
        """What a request brings."""
        posted = await request.post()
        texts: dict[str, str] = {}
        many: dict[str, list[str]] = {}
        for name, value in posted.items():
            text = str(value).replace("\r\n", "\n") if isinstance(value, str) else ""
            text = text if is_text(text) else ""
            texts.setdefault(name, text)
            many.setdefault(name, []).append(text)
        return cls(texts, many)

    def along(self, name: str, values: list[str]) -> Form:
        """The same form with what is ticked of one field more."""
        return Form(self._given, self._many | {name: values})

    def beside(self, given: Mapping[str, str]) -> Form:
        """The same form with more fields."""
        return Form(self._given | dict(given), self._many)

    # --- for templates -----------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> str:
        """What stands in a field."""
        return self._given.get(name, "")

    def all(self, name: str) -> list[str]:
        """What was ticked, or every value of a field that is there several times, in order."""
        return self._many.get(name, [])

    def has(self, name: str) -> bool:
        """Whether a field was sent at all, or a box is ticked."""
        return name in self._given

    # --- reading -----------------------------------------------------------------------------------------------------

    @property
    def is_good(self) -> bool:
        """Whether nothing was wrong so far."""
        return not self.errors

    def wrong(self, name: str, words: str) -> None:
        """Note a mistake; the first one of a field stays."""
        self.errors.setdefault(name, words)

    def text(self, name: str, *, least: int = 0, most: int = 128, is_line: bool = True) -> str:
        """Text without spaces at its ends; one line unless told otherwise."""
        text = self[name].strip()
        if is_line:
            text = " ".join(text.split())
        if not text and least:
            self.wrong(name, "this cannot be empty")
        elif not least <= len(text) <= most:
            self.wrong(name, f"{least} to {most} characters are expected")
        return text

    def matching(self, name: str, pattern: str, words: str) -> str:
        """A text of a certain shape."""
        text = self[name].strip()
        if not re.fullmatch(pattern, text):
            self.wrong(name, words)
        return text

    def whole(self, name: str, least: int, most: int) -> int:
        """A whole number."""
        text = self[name].strip().replace("\u00a0", "").replace(" ", "")
        if re.fullmatch(r"[+-]?[0-9]{1,12}", text) and least <= int(text) <= most:
            return int(text)
        self.wrong(name, f"a whole number from {least} to {most} is expected")
        return least

    def number(self, name: str, least: float, most: float) -> float:
        """A number, with a point or a comma."""
        text = self[name].strip().replace(",", ".")
        if re.fullmatch(r"[+-]?[0-9]{1,9}(\.[0-9]{0,6})?", text) and least <= float(text) <= most:
            return float(text)
        self.wrong(name, f"a number from {least:g} to {most:g} is expected")
        return least

    def length_ms(self, name: str, least: float, most: float, unit_ms: int = 1_000) -> int:
        """A length of time, written in seconds (or whatever the unit is)."""
        return round(self.number(name, least, most) * unit_ms)

    def choice(self, name: str, kind: type[E]) -> E:
        """One of the values of an enum."""
        try:
            return kind(self[name])
        except ValueError:
            self.wrong(name, "choose one of the list")
            return next(iter(kind))

    def one_of(self, name: str, allowed: Iterable[str]) -> str:
        """One of some words."""
        if self[name] in set(allowed):
            return self[name]
        self.wrong(name, "choose one of the list")
        return ""

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return self.has(name)

    def ids(self, name: str) -> list[int]:
        """Whole numbers that were ticked."""
        return [int(one) for one in self.all(name) if one.isascii() and one.isdigit() and len(one) <= 15]
