"""Texts with fields: `Good day, {name|there}.` A field is replaced by the contact's value, and nothing else happens.

Not `str.format`: there are no attributes, indexes or conversions to reach, a value is never read as a template again,
and whatever a speech program might take for markup or a command is taken out of the value.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MAX_VALUE: Final = 200
"""Characters of a contact's value that are spoken; the rest of a longer one is dropped."""
MAX_TEXT: Final = 2_000
"""Characters of a text in a flow, and of a text with its fields filled in."""
FIELD_NAME: Final = re.compile(r"[^\W\d][\w .-]{0,62}\w|[^\W\d]")
"""A field's name: letters of any alphabet, digits, `_`, and inside it spaces, dots and dashes."""

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_MARKUP: Final = str.maketrans(dict.fromkeys("{}[]<>\\|`^~", " "))
_UNSPEAKABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "So", "Sk", "Zl", "Zp"})


class WordingError(ValueError):
    """A text's braces are wrong. `mend` says what to write instead."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(f"{reason}; {mend}")
        self.reason = reason
        self.mend = mend


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank:
    """One `{field|default}` in a text. default: None where none was written."""

    field: str
    default: str | None = None


@functools.lru_cache(maxsize=4_096)
def parsed(text: str) -> tuple[str | Blank, ...]:
    """Cut a text into plain pieces and blanks. Raises WordingError for braces that are no `{field}`."""
    pieces: list[str | Blank] = []
    end = 0
    for found in _PLACEHOLDER.finditer(text):
        pieces.append(_plain(text[end : found.start()]))
        pieces.append(_blank(found.group(1)))
        end = found.end()
    pieces.append(_plain(text[end:]))
    return tuple(piece for piece in pieces if piece != "")


def _plain(text: str) -> str:
    for brace in "{}":
        if brace in text:
            raise WordingError(
                f"a lone `{brace}` in the text",
                "write a contact's field as {name} or {name|default}; other braces cannot be spoken",
            )
    return text


def _blank(inside: str) -> Blank:
    name, bar, default = inside.partition("|")
    name = name.strip()
    if not FIELD_NAME.fullmatch(name):
        raise WordingError(
            f"`{{{inside[:40]}}}` is not a field",
            "write {name} or {name|default}: a name of letters, digits, spaces, `_`, `.` and `-`, at most 64 long",
        )
    return Blank(field=name, default=default.strip() if bar else None)


@functools.lru_cache(maxsize=4_096)
def blanks(text: str) -> tuple[Blank, ...]:
    """The fields a text asks for. Raises WordingError."""
    return tuple(piece for piece in parsed(text) if isinstance(piece, Blank))


def spoken(value: str) -> str:
    """A contact's value as words to speak: one line, no markup, no control or hidden characters, at most 200 long.

    >>> spoken("Anna <break/> {{7*7}}")
    'Anna break/ 7*7'
    """
    normal = unicodedata.normalize("NFC", value[: 4 * MAX_VALUE]).translate(_MARKUP)
    kept = (" " if unicodedata.category(character) in _UNSPEAKABLE else character for character in normal)
    return " ".join("".join(kept).split())[:MAX_VALUE].rstrip()


def filled(text: str, fields: Mapping[str, str]) -> str:
    """The text with its fields in place; `fields` by `field_key`. An empty field gives its default, or nothing."""
    pieces = parsed(text)
    if not any(isinstance(piece, Blank) for piece in pieces):
        return _as_written(text)
    words: list[str] = []
    for piece in pieces:
        if isinstance(piece, Blank):
            words.append(spoken(fields.get(field_key(piece.field), "")) or spoken(piece.default or ""))
        else:
            words.append(piece)
    return _tidied("".join(words))[:MAX_TEXT]


@functools.lru_cache(maxsize=4_096)
def _as_written(text: str) -> str:
    """A text without blanks, which is the same for everybody."""
    return _tidied(text)[:MAX_TEXT]


_SPACE_BEFORE: Final = re.compile(r" +([,.;:!?])")
_LONE_COMMA: Final = re.compile(r",(?=[,.!?])|^[,;: ]+")


def _tidied(text: str) -> str:
    """Mend what an empty field leaves behind: doubled spaces, `Good day, .`, a comma at the beginning."""
    return _LONE_COMMA.sub("", _SPACE_BEFORE.sub(r"\1", " ".join(text.split())))


@functools.lru_cache(maxsize=4_096)
def field_key(name: str) -> str:
    """How a field's name is compared: case and surrounding spaces do not count, so `{name}` finds the column `Name`."""
    return " ".join(name.split()).casefold()


def by_key(fields: Mapping[str, str]) -> dict[str, str]:
    """Fields ready for `filled`; where two names differ only by case, the first one counts."""
    keyed: dict[str, str] = {}
    for name, value in fields.items():
        keyed.setdefault(field_key(name), value)
    return keyed
