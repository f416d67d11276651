"""What is said about one contact and its numbers in pages, to be translated; see app.panel.phrases."""

from __future__ import annotations

from typing import Final

from app.contacts.given import MENDS

FIXED: Final = (
    *(words for pair in MENDS.values() for words in pair),
    "added contact",
    "edited contact",
    "deleted contact",
    "tick at least one; who is to be left alone goes on the do-not-call list",
    "give at least one phone",
    "a contact of this list has it already; find and change it",
    "another contact of this list has this number",
    "its first phone tells it apart",
    "give a number of their own",
    "the contacts of this list are told apart by a key",
    "give its key",
    "its beginning can be read in two ways",
    "write +, the country code, and then no 0 or 8",
    "check for two numbers in one cell",
    "format the column as text (or as a number without decimals) before saving, and export again",
    "one number a cell; a second one goes into a column phone2",
)
MADE: Final = (
    "a spreadsheet has written it as {written} and dropped its last digits",
    "it has {what} in it",
)
