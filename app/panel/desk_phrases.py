"""What the desk says that is in no template: see app.panel.phrases."""

from __future__ import annotations

from typing import Final

from app.agents import DEFAULT_DISPOSITIONS

FIXED: Final = (
    *(one.label for one in DEFAULT_DISPOSITIONS),
    "Name",
    "no result set",
    "Break",
    "Lunch",
    "Training",
    "Meeting",
    "Back office",
    "Signed in",
    "Phone lost",
    "Phone not answered",
    "Browser lost",
    "Away",
    "The dialer was restarted",
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
    "the campaign does not have this result any more; choose another",
)
MADE: Final = (
    "at that time they may not be called; the nearest time that is legal: {when}",
    "phone {phone} is somebody else's; choose another, or ask an admin",
    "campaign {name} has other agents; ask a supervisor to add you",
    "phone {phone} is in use by {name}; choose another, or ask them to sign out",
    "{found} is not the name of a phone; use its section name in pjsip.conf, such as agent-101",
)
