"""What the program says in words that pages show: every fixed phrase, and the ones made of parts, to be translated.

The core speaks English and knows no languages; here its sentences are recognised and said in the visitor's. A sentence
that is not known is shown as it is.
"""

from __future__ import annotations

import gettext
import re
from functools import cache
from typing import Final

from app.dialing.trunk import TrunkState
from app.model import CampaignStatus
from app.outcomes import OUTCOMES, ContactStatus
from app.panel import (
    contact_phrases,
    desk_phrases,
    floor_phrases,
    law_phrases,
    list_phrases,
    source_phrases,
    why_phrases,
)
from app.store.people import Role

FIXED: Final = (
    *(rule.label for rule in OUTCOMES.values()),
    *(status.value for status in ContactStatus),
    *(status.value for status in CampaignStatus),
    *(state.value for state in TrunkState),
    *(role.value for role in Role),
    *contact_phrases.FIXED,
    *desk_phrases.FIXED,
    *floor_phrases.FIXED,
    *law_phrases.FIXED,
    *list_phrases.FIXED,
    *source_phrases.FIXED,
    *why_phrases.FIXED,
    "answered",
    "ringing",
    "switched off",
    "none of its trunks exists",
    "all of its trunks are switched off",
    "all of its lines are in use",
    "its first calls are made: it pauses when the last of them is over",
    "a telephone number is expected, with + and its country code",
    "the test call before this one is still going on",
    "these are test calls themselves; make them from their campaign",
    "this contact is not in the campaign",
    "this import was undone already",
    "made test call",
    "undid import",
    "each number it may show rests, or has had its calls for now",
    "this number is on the do-not-call list",
    "this number is there already",
    "beginnings of numbers with their plus are expected, as in +44, +4420",
    "a rest needs both: after how many calls, and how long",
    "added caller ID",
    "changed caller ID",
    "removed caller ID",
    "added do-not-call",
    "created webhook",
    "changed webhook",
    "removed webhook",
    "renewed webhook secret",
    "redelivered webhook",
    "an address such as https://crm.example.com/outring is expected",
    "leave name and password out of the address: the signature says who sends",
    "https is expected; http is for receivers in your own network, which the setting webhook_networks names",
    "https is expected: over http what is told of people could be read on its way",
    "removed do-not-call",
    "keypress",
    "dialplan",
    "import",
    "panel",
    "api",
    "sms",
    "nobody is left to call",
    "the database takes nothing: nobody is called before it does",
    "everybody left waits for a later try",
    "there is nothing at this address",
    "this page is for supervisors; ask an admin to change your role",
    "this was sent from another site's page; open Outring itself and try again",
    "the page is too old, or not ours; reload it and try again",
    "this contact was taken out of its list; a talk goes on, and they are not called again",
    "the dialer did not confirm in time; look at the state before trying again",
    "something went wrong inside Outring; its log says what",
)
MADE: Final = (
    *contact_phrases.MADE,
    *desk_phrases.MADE,
    *floor_phrases.MADE,
    *law_phrases.MADE,
    *list_phrases.MADE,
    "Asterisk cannot be reached: {reason}",
    "trunk {trunk} is out of service: {reason}",
    "{outcome} (SIP {code})",
    "the national list {name} has no numbers yet: import an edition of it",
    "the national list {name} is {days} days old, not under {most}: import a newer one",
    "campaign {name} shows {number}; give it another number first",
    "trunk {name} shows {number}; give it another number first",
    "campaign {name}: {number} is not one of your numbers; add it with {command} or under Admin, Caller IDs, "
    "if it is yours to show",
    "there is no campaign {which}",
    "there is no attempt {which}",
    "campaign {name} is {status}: this cannot be done to it",
    "campaign {name} has no trunk to call over; give it one first",
    "campaign {name} has no contact list; attach one first",
    "contacts of this import were called already ({count}): it cannot be undone any more",
    "{file}: contacts taken out again: {count}",
    *source_phrases.MADE,
    *why_phrases.MADE,
)
"""Sentences with parts; a part may itself be a phrase, but for those that have a shape of their own."""


@cache
def _pattern(sentence: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", sentence)
    made = (
        f"(?P<{piece}>{why_phrases.SHAPES.get(piece, '.+')})" if at % 2 else re.escape(piece)
        for at, piece in enumerate(pieces)
    )
    return re.compile("".join(made), re.DOTALL)


def said(text: str, catalogue: gettext.NullTranslations) -> str:
    """A phrase of the program in the catalogue's language."""
    if not text:
        return ""
    found = catalogue.gettext(text)
    if found != text:
        return found
    for sentence in MADE:
        match = _pattern(sentence).fullmatch(text)
        if match:
            parts = {name: said(part, catalogue) for name, part in match.groupdict().items()}
            return catalogue.gettext(sentence).format(**parts)
    return text
