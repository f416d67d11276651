"""What the floor says by itself: the safe-harbor message, the notice of a recording, a campaign's name to its agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.agents import DialingMode, RecordingPolicy
from app.ivr.flow import Flow
from app.ivr.needs import call_fields
from app.ivr.wording import WordingError, filled
from app.model import Campaign, OpenedAttempt, Prompt

SAFE_HARBOR: Final[Mapping[str, str]] = {
    "en": "This is a call from {seller|us}. We are sorry: nobody is free to speak with you now. Goodbye.",
    "ru": "Вам звонит {seller|наша компания}. Приносим извинения: сейчас никто не может ответить. До свидания.",
}
"""What a person hears for whom there was no agent, where the campaign has no text of its own, by language."""
_NO_BRACES: Final = str.maketrans("{}|", "   ")


def needs_floor(campaign: Campaign, flow: Flow, opened: OpenedAttempt) -> bool:
    """Whether the person of this attempt may come to an agent."""
    return opened.is_manual or campaign.mode is not DialingMode.BROADCAST or flow.needs_agents


def safe_harbor(campaign: Campaign, flow: Flow, opened: OpenedAttempt, language: str) -> Prompt:
    """What the person hears when there is no agent."""
    if (own := _filled(campaign.agents.safe_harbor, flow, opened)) is not None:
        return Prompt(text=own, language=campaign.language)
    spoken = next((one for one in (language, language.partition("-")[0]) if one in SAFE_HARBOR), "en")
    text = _filled(SAFE_HARBOR[spoken], flow, opened)
    assert text is not None, "the message of last resort is empty"
    return Prompt(text=text, language=spoken)


def notice(campaign: Campaign, flow: Flow, opened: OpenedAttempt) -> Prompt | None:
    """What both hear before they are recorded; None: nothing."""
    if campaign.agents.recording is RecordingPolicy.NEVER:
        return None
    text = _filled(campaign.agents.consent_notice, flow, opened)
    return None if text is None else Prompt(text=text, language=campaign.language)


def _filled(text: str, flow: Flow, opened: OpenedAttempt) -> str | None:
    """A text of the campaign's with the contact's fields in it; None when nothing is left to say.

    It was not checked as a flow's texts are: braces that are no field fall away rather than end a call in silence.
    """
    try:
        said = filled(text, call_fields(flow, opened.fields))
    except WordingError:
        said = filled(text.translate(_NO_BRACES), {})
    return said if any(character.isalnum() for character in said) else None


def whisper(campaign: Campaign) -> Prompt | None:
    """What the agent hears before each person; None: the beep alone."""
    if not (campaign.agents.whispers_name and any(character.isalnum() for character in campaign.name)):
        return None
    return Prompt(text=campaign.name, language=campaign.language)


def floor_prompts(campaign: Campaign, flow: Flow, opened: OpenedAttempt, language: str) -> tuple[Prompt, ...]:
    """All of it that this attempt may need; nothing for a campaign without agents."""
    if not needs_floor(campaign, flow, opened):
        return ()
    found = (
        safe_harbor(campaign, flow, opened, language),
        notice(campaign, flow, opened),
        whisper(campaign),
    )
    return tuple(prompt for prompt in found if prompt is not None)
