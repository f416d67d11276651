"""What the floor says by itself: the safe-harbor message, the notice of a recording, a campaign's name to its agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.agents import DialingMode, RecordingPolicy
from app.ivr.flow import Flow
from app.ivr.needs import call_fields
from app.ivr.wording import WordingError, blanks, field_key, filled
from app.model import Campaign, Prompt

SAFE_HARBOR: Final[Mapping[str, str]] = {
    "en": "This is a call from {seller|us}. We are sorry: nobody is free to speak with you now. "
    "For no more calls, press 9. Goodbye.",
    "ru": "Вам звонит {seller|наша компания}. Приносим извинения: сейчас никто не может ответить. "
    "Чтобы вам больше не звонили, нажмите 9. До свидания.",
}
"""What a person hears for whom there was no agent, where the campaign has no text of its own, by language."""
BARRED: Final[Mapping[str, str]] = {
    "en": "You will not be called again. Goodbye.",
    "ru": "Больше вам не позвонят. До свидания.",
}
"""What a person hears who pressed the key for no more calls (app.dialing.farewell)."""
_NO_BRACES: Final = str.maketrans("{}|", "   ")


def needs_floor(campaign: Campaign, flow: Flow) -> bool:
    """Whether people of this campaign come to agents by themselves, not only by an agent's own dialing."""
    return campaign.mode is not DialingMode.BROADCAST or flow.needs_agents


def safe_harbor(campaign: Campaign, flow: Flow, fields: Mapping[str, str], language: str) -> Prompt:
    """What the person hears when there is no agent."""
    if (own := _filled(campaign.agents.safe_harbor, flow, fields)) is not None:
        return Prompt(text=own, language=campaign.language)
    spoken = _spoken(language)
    text = _filled(SAFE_HARBOR[spoken], flow, fields)
    assert text is not None, "the message of last resort is empty"
    return Prompt(text=text, language=spoken)


def barred(language: str) -> Prompt:
    """What the person hears who wants no more calls."""
    spoken = _spoken(language)
    return Prompt(text=BARRED[spoken], language=spoken)


def _spoken(language: str) -> str:
    """The language of our own words to somebody."""
    return next((one for one in (language, language.partition("-")[0]) if one in SAFE_HARBOR), "en")


def notice(campaign: Campaign, flow: Flow, fields: Mapping[str, str]) -> Prompt | None:
    """What both hear before they are recorded; None: nothing."""
    if campaign.agents.recording is RecordingPolicy.NEVER:
        return None
    text = _filled(campaign.agents.consent_notice, flow, fields)
    return None if text is None else Prompt(text=text, language=campaign.language)


def _filled(text: str, flow: Flow, fields: Mapping[str, str]) -> str | None:
    """A text of the campaign's with the contact's fields in it; None when nothing is left to say.

    It was not checked as a flow's texts are: braces that are no field fall away rather than end a call in silence.
    """
    try:
        said = filled(text, call_fields(flow, fields))
    except WordingError:
        said = filled(text.translate(_NO_BRACES), {})
    return said if any(character.isalnum() for character in said) else None


def whisper(campaign: Campaign) -> Prompt | None:
    """What the agent hears before each person; None: the beep alone."""
    if not (campaign.agents.whispers_name and any(character.isalnum() for character in campaign.name)):
        return None
    return Prompt(text=campaign.name, language=campaign.language)


def floor_prompts(campaign: Campaign, flow: Flow, fields: Mapping[str, str], language: str) -> tuple[Prompt, ...]:
    """All of it that one contact may need."""
    found = (
        safe_harbor(campaign, flow, fields, language), barred(language), notice(campaign, flow, fields),
        whisper(campaign),
    )  # fmt: skip
    return tuple(prompt for prompt in found if prompt is not None)


def static_floor_prompts(campaign: Campaign, flow: Flow, language: str) -> frozenset[Prompt]:
    """What of it is the same for every contact of this language.

    A text with fields in it is another for everybody, and with no fields it is none of theirs.
    """
    return frozenset(floor_prompts(campaign, flow, {}, language)) - {
        Prompt(text=said, language=campaign.language)
        for text in (campaign.agents.safe_harbor, campaign.agents.consent_notice)
        if _has_fields(text) and (said := _filled(text, flow, {})) is not None
    }


def _has_fields(text: str) -> bool:
    try:
        return bool({field_key(blank.field) for blank in blanks(text)} - {"seller"})
    except WordingError:
        return False
