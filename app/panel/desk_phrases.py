"""What the desk says that is in no template: see app.panel.phrases."""

from __future__ import annotations

from typing import Final

from app.agents import DEFAULT_DISPOSITIONS

_BOOKS: Final = (
    *(one.label for one in DEFAULT_DISPOSITIONS),
    "Name",
    "no result set",
    "Break",
    "Lunch",
    "Training",
    "Meeting",
    "Back office",
)
_REASONS: Final = (
    "Signed in",
    "Phone lost",
    "Phone not answered",
    "Browser lost",
    "Away",
    "The dialer was restarted",
    "Asterisk cannot be reached",
    "hung up",
)
"""Why nobody comes, and what is the matter with a phone."""
_REFUSALS: Final = (
    "the desk is for Outring's own pages",
    "the desk is a websocket",
    "there is no such reason for a pause; choose one of the list",
    "choose one: an agent, a campaign or a number",
    "write the number with + and its country code",
    "at that time they may not be called; choose another",
    "that is no date and time; write them as 2025-11-23 10:30",
    "there is nothing to write down",
    "this field cannot be changed here",
    "a name has at most 200 characters",
    "the minute to change this result is over",
    "this person is being called again already; the result stays",
    "this result is being saved just now; try again in a moment",
    "the campaign does not have this result any more; choose another",
    "you are signed in already; sign out there first, or take over the desk",
    "this number is in a call now; wait until that call is over",
    "this contact is being called already",
    "this number is on the do-not-call list",
    "this contact is not in the campaign",
    "there is no card to dial from",
    "this is not one of the contact's phones; write it into the card first",
)
"""Why something is not done, besides what the floor itself says (app.panel.floor_phrases)."""
FIXED: Final = (*_BOOKS, *_REASONS, *_REFUSALS)
MADE: Final = (
    "at that time they may not be called; the nearest time that is legal: {when}",
    "phone {phone} is somebody else's; choose another, or ask an admin",
    "campaign {name} has other agents; ask a supervisor to add you",
    "phone {phone} is in use by {name}; choose another, or ask them to sign out",
    "{found} is not the name of a phone; use its section name in pjsip.conf, such as agent-101",
    "the phone is not connected ({note}); have it rung again first",
    "the phone is not connected; have it rung again first",
    "the campaign has no disposition {code}",
    "{who} is being consulted; finish or cancel that first",
    "{who} is consulted already",
    "{who} is not there yet",
    "{who} is not available",
    "{ringing} ringing, {answered} answered",
)
