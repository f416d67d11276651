"""The form of a contact: what stands in its fields, and what a supervisor wrote there that is not so yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from app.contacts.facts import LONGEST_OWNER, MOST_PRIORITY
from app.contacts.given import LONGEST_FIELD, GivenContact, GivenPhone, GivenProblem
from app.contacts.mapping import PHONES
from app.panel.forms import Form
from app.store.lists import Contact
from app.units import ContactId, ListId

CHANNELS: Final = ("voice", "sms", "email")
KINDS: Final = ("mobile", "home", "work")
CONSENTS: Final = ("none", "prior", "written")
FACTS: Final = ("email", "language", "time_zone", "region", "owner", "consent")
MOST_COLUMNS: Final = 200
"""Columns that are shown; a sheet may have more."""
NOBODY: Final = Contact(
    id=ContactId(0), list_id=ListId(0), key="", name="", language="", time_zone="", phones=(), fields={}, source_line=0
)
"""What a new contact begins as."""


def column_field(at: int) -> str:
    """The name of the form's field for the column at this place of its list."""
    return f"column{at}"


def form_of(contact: Contact, columns: Sequence[str]) -> Form:
    """The form as it is first shown."""
    given = {"name": contact.name, "priority": str(contact.priority), "seen_at_ms": str(contact.updated_at_ms)}
    given |= {name: str(getattr(contact, name)) for name in FACTS}
    for at in range(PHONES):
        given[f"phone{at}"] = contact.phones[at] if at < len(contact.phones) else ""
        given[f"kind{at}"] = contact.phone_kinds[at] if at < len(contact.phone_kinds) else ""
    for at, column in enumerate(columns[:MOST_COLUMNS]):
        given[column_field(at)] = contact.fields.get(column, "")
    return Form(given, {"channels": list(contact.channels or CHANNELS)})


def read_form(form: Form, contact: Contact, columns: Sequence[str]) -> GivenContact:
    """What the form says otherwise than the contact; what is wrong by itself is noted in the form."""
    name = form.text("name", most=200)
    priority = form.whole("priority", -MOST_PRIORITY, MOST_PRIORITY)
    phones = _phones(form)
    before = [GivenPhone(number=number, kind=kind) for number, kind in _kept(contact)]
    facts = {fact: form[fact].strip() for fact in FACTS if form[fact].strip() != getattr(contact, fact)}
    if len(facts.get("owner", "")) > LONGEST_OWNER:
        form.wrong("owner", f"0 to {LONGEST_OWNER} characters are expected")
    channels = [one for one in CHANNELS if one in form.all("channels")]
    if not channels:
        form.wrong("channels", "tick at least one; who is to be left alone goes on the do-not-call list")
    elif set(channels) != set(contact.channels or CHANNELS):
        facts["channels"] = "" if len(channels) == len(CHANNELS) else ",".join(channels)
    fields = {}
    for at, column in enumerate(columns[:MOST_COLUMNS]):
        text = form.text(column_field(at), most=LONGEST_FIELD, is_line=False)
        if text != contact.fields.get(column, "").strip():
            fields[column] = text
    return GivenContact(
        name=name if name != contact.name else None,
        priority=priority if priority != contact.priority else None,
        phones=phones if phones != before else None,
        facts=facts,
        fields=fields,
    )


def as_new(given: GivenContact, key: str) -> GivenContact:
    """The same for a contact that is made; without a key it goes by its first phone."""
    return replace(given, key=key.strip() or None)


def note_problems(form: Form, problems: Sequence[GivenProblem], say: Callable[[str], str]) -> None:
    """What the importer says of the fields, each beside its own, in the visitor's language."""
    filled = [at for at in range(PHONES) if form[f"phone{at}"].strip()]
    for one in problems:
        name, _, place = one.field.partition(".")
        if name == "phones":
            at = int(place) if place.isdigit() else 0
            name = f"phone{filled[at] if at < len(filled) else 0}"
        form.wrong(name, f"{say(one.why)}: {say(one.mend)}")


def note_others(form: Form, contact: Contact, columns: Sequence[str]) -> Mapping[str, str]:
    """Somebody else changed the contact meanwhile: by field that differs now, what stands there."""
    now = form_of(contact, columns)
    names = ["name", "priority", *FACTS, *(f"phone{at}" for at in range(PHONES))]
    names += [column_field(at) for at in range(min(len(columns), MOST_COLUMNS))]
    return {name: now[name] for name in names if form[name].strip() != now[name].strip()}


def _phones(form: Form) -> list[GivenPhone]:
    phones = []
    for at in range(PHONES):
        kind = form.one_of(f"kind{at}", ("", *KINDS))
        if number := form[f"phone{at}"].strip()[:64]:
            phones.append(GivenPhone(number=number, kind=kind))
    return phones


def _kept(contact: Contact) -> list[tuple[str, str]]:
    kinds = (*contact.phone_kinds, *("",) * PHONES)
    return list(zip(contact.phones, kinds, strict=False))
