"""What fields of nodes are made of: texts by language, sounds, names, targets, keys; mistakes in our words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.ivr.wording import FIELD_NAME, MAX_TEXT, WordingError, blanks

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
_SOUND: Final = re.compile(r"[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64}){0,3}")


def wrong(reason: str, mend: str) -> PydanticCustomError:
    """A mistake in our words; `app.ivr.problems` tells it."""
    return PydanticCustomError("flow", "{reason}", {"reason": reason, "mend": mend})


def checked_language(code: str) -> str:
    """A language's code: `en`, `ru`, `pt-BR`."""
    if not _LANGUAGE.fullmatch(code):
        raise wrong(f"{code!r} is not a language", "write a code such as en, ru or pt-BR")
    return code


def _checked_text(text: str) -> str:
    if not text.strip():
        raise wrong("the text is empty", "write what is to be said")
    if len(text) > MAX_TEXT:
        raise wrong(f"the text is {len(text):,} characters long", f"keep it to {MAX_TEXT:,}, or cut it into nodes")
    try:
        blanks(text)
    except WordingError as error:
        raise wrong(error.reason, error.mend) from None
    return text


def _checked_sound(name: str) -> str:
    if not _SOUND.fullmatch(name):
        raise wrong(
            f"{name[:80]!r} is not a sound's name",
            "write its name without folder and extension (welcome), or Asterisk's own (digits/1)",
        )
    return name


def _checked_field(name: str) -> str:
    if not FIELD_NAME.fullmatch(name):
        raise wrong(
            f"{name[:80]!r} is not a field's name",
            "begin with a letter; then letters, digits, spaces, `_`, `.` and `-`, at most 64 in all",
        )
    return name


def _by_language(value: Any) -> Any:
    return {"": value} if isinstance(value, str) else value


def _checked_languages(texts: dict[str, str]) -> dict[str, str]:
    if not texts:
        raise wrong("there is no language in it", "write `en: …`, or the text itself")
    for code in texts:
        if code:
            checked_language(code)
    return texts


Text = Annotated[str, AfterValidator(_checked_text)]
Sound = Annotated[str, AfterValidator(_checked_sound)]
Texts = Annotated[dict[str, Text], BeforeValidator(_by_language), AfterValidator(_checked_languages)]
"""What is said in each language; written as one string it is in the flow's own language, kept under ``""``."""
Sounds = Annotated[dict[str, Sound], BeforeValidator(_by_language), AfterValidator(_checked_languages)]
FieldName = Annotated[str, AfterValidator(_checked_field)]
Target = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Key = Annotated[str, StringConstraints(pattern=r"^[0-9*#]$")]


class Piece(BaseModel):
    """Ground of all that is read from a flow's file: frozen, and unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)


class Words(Piece):
    """Something said besides the node's own prompt: a string, languages, or `{sound: …}`."""

    text: Texts | None = None
    sound: Sounds | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"text": {"": value}}
        if isinstance(value, Mapping) and value and not set(value) & {"text", "sound"}:
            return {"text": dict(value)}
        return value

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.sound is None):
            raise wrong("exactly one of `text` and `sound` is needed", "write a text to be spoken, or a sound's name")
        return self
