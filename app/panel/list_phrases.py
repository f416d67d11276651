"""What is said about lists and whose contacts are in pages, to be translated; see app.panel.phrases."""

from __future__ import annotations

from typing import Final

FIXED: Final = (
    "a segment of this name is there already; choose it in the list to change it",
    "saved segment",
    "removed segment",
    "exported segment",
    "choose which campaign is to call them",
    "this is the number that is bad: write the right one",
    "the contact still has the bad number: write the right one, or close the task",
    "mended",
    "closed",
    "mended number",
    "closed fix-it task",
    "a broadcast has no agents whose its contacts could be: choose nobody, or another mode",
    "a queue of your Asterisk serves it, and nobody knows its members: choose nobody, or our own agents",
    "say after how many days a contact goes to anyone, or choose that the first agent keeps them",
    "say which column of the list tells whose contacts are kept for their owner",
    "a group of this name is there already; choose it in the list to change it",
)
