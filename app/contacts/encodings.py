"""Which encoding a text file is in, told from its bytes.

UTF-8 proves itself: text in another encoding is practically never valid UTF-8. The old one-byte encodings do not, so
they are told apart by what their letters would be: Russian text has runs of high bytes where western text has single
ones, and among the Russian encodings the one in which the common letters come out common is right.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CYRILLIC: Final = ("cp1251", "koi8-r", "cp866")
_COMMON_RUSSIAN: Final = frozenset("оеаинтсрвлкмдпуяыьгзбч")
_HIGH_RUN: Final = re.compile(rb"[\x80-\xff]+")


def marked_encoding(head: bytes) -> str | None:
    """The encoding that the beginning of a file declares by its byte order mark, or by every second byte being zero."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if len(head) >= 4:
        even, odd = head[0:400:2], head[1:400:2]
        if even.count(0) == 0 and odd.count(0) > len(odd) * 0.4:
            return "utf-16-le"
        if odd.count(0) == 0 and even.count(0) > len(even) * 0.4:
            return "utf-16-be"
    return None


def is_mostly_utf8(sample: bytes) -> bool:
    """Whether a text that is not valid UTF-8 is UTF-8 all the same, with damage in it."""
    text = sample.decode("utf-8", errors="replace")
    damaged = text.count("\ufffd")
    whole = sum(not sign.isascii() for sign in text) - damaged
    return whole > damaged


def one_byte_encoding(sample: bytes) -> str:
    """The most likely one-byte encoding of a text that is not UTF-8: a Russian one, or western cp1252."""
    runs = _HIGH_RUN.findall(sample)
    high = sum(map(len, runs))
    if not high or high < 1.8 * len(runs):
        return "cp1252"
    letters = b" ".join(runs[:20_000])
    return max(_CYRILLIC, key=lambda name: _russian_score(letters.decode(name, errors="replace")))


def _russian_score(text: str) -> int:
    """How Russian a text looks: small common letters speak for it, capitals after small letters and signs against."""
    score = 0
    before = " "
    for sign in text:
        if sign in _COMMON_RUSSIAN:
            score += 1
        elif sign != " " and not ("а" <= sign.lower() <= "я" or sign in "ёЁ№«»—"):
            score -= 3
        if sign.isupper() and before.islower():
            score -= 2
        before = sign
    return score
