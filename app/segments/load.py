"""Segments' files, checked as a whole: each error names file, line, what is wrong and what would be right.

How a segment is written is told in docs/segments.md.
"""

from __future__ import annotations

import re
from typing import Any, Final

from app.outcomes import OUTCOMES, ContactStatus
from app.plain_yaml import FileError, Path, Text, read_text
from app.segments.conditions import FIELDS, NUMBERS, Condition, Group, Operator, Segment, number_of

MAX_CONDITIONS: Final = 100
MAX_TEXT: Final = 500
_KEYS: Final = frozenset({"title", "campaign", "all", "any"})
_SIGNS: Final = re.compile(r"""^(?P<field>"[^"]+"|[^<>=!"]+?)\s*(?P<sign><=|>=|!=|=|<|>)\s*(?P<value>.*)$""", re.DOTALL)
_WORDS: Final = re.compile(
    r"""^(?P<field>"[^"]+"|.+?)\s+(?P<word>is not empty|is empty|contains|begins with|not in|in)"""
    r"""(?:\s+(?P<value>.*))?$""",
    re.DOTALL,
)
_BARE: Final = frozenset({Operator.IS_EMPTY, Operator.IS_NOT_EMPTY})
_ORDERS: Final = frozenset({Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST})
_LISTS: Final = frozenset({Operator.IN, Operator.NOT_IN})
_PARTS: Final = re.compile(r"""\s*"[^"]*"\s*(?=,|$)|[^,]+""")
"""The values of a list: between commas, which do not count within quotation marks."""
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LABELS: Final = {
    "last outcome": frozenset(rule.label for rule in OUTCOMES.values()),
    "status": frozenset(status.value for status in ContactStatus),
}
_FORM: Final = "write one as: City = Moscow, tries < 3, email is empty, language in ru, en"


def load_segment(content: str, name: str) -> Segment:
    """Read a segment. Raises FileError with the line, what is wrong and what would be right."""
    text = read_text(content, name, what="segment", begins="title and all (or any)")
    for key in text.value:
        if key not in _KEYS:
            raise text.error((key,), f"a segment has no {str(key)[:40]!r}", f"it has: {', '.join(sorted(_KEYS))}")
    title = text.value.get("title", "")
    if not isinstance(title, str) or not title.strip():
        raise text.error(("title",), "it has no title", "give it one, as in title: Moscow, not reached yet")
    campaign = text.value.get("campaign", "")
    if not isinstance(campaign, str):
        raise text.error(("campaign",), "this is no campaign's name", "write the name alone")
    kinds = [kind for kind in ("all", "any") if kind in text.value]
    if len(kinds) != 1:
        raise text.error(("all",), "it needs one list of conditions", "put them under all, or under any")
    root = _group(text, (), kinds[0])
    count = sum(1 for _ in root.conditions())
    if count > MAX_CONDITIONS:
        raise FileError(name, 1, f"it has {count} conditions", f"at most {MAX_CONDITIONS} are read")
    return Segment(name=name, title=title.strip(), campaign=campaign.strip(), root=root)


def _group(text: Text, path: Path, kind: str) -> Group:
    held: Any = text.value
    for step in (*path, kind):
        held = held[step]
    if not isinstance(held, list) or not held:
        raise text.error((*path, kind), f"{kind} has no conditions", "list them below it, each after a hyphen")
    members: list[Condition | Group] = []
    for at, one in enumerate(held):
        place = (*path, kind, at)
        if isinstance(one, str):
            members.append(_condition(text, place, one))
        elif isinstance(one, dict) and len(one) == 1 and next(iter(one)) in ("all", "any"):
            members.append(_group(text, place, next(iter(one))))
        else:
            raise text.error(place, "this is no condition", _FORM)
    return Group(is_any=kind == "any", members=tuple(members))


def _condition(text: Text, path: Path, written: str) -> Condition:
    if len(written) > MAX_TEXT:
        raise text.error(path, "this condition is too long", f"at most {MAX_TEXT} characters are read")
    ways = (_SIGNS.match(written.strip()), _WORDS.match(written.strip()))
    found = min((one for one in ways if one), key=lambda one: one.end("field"), default=None)
    if found is None:
        raise text.error(path, f"{written[:60]!r} is no condition", _FORM)
    parts = found.groupdict()
    operator = Operator(parts.get("sign") or parts["word"])
    value = (parts["value"] or "").strip()
    if operator not in _LISTS:
        value = _unquoted(value)
    if operator in _BARE:
        if value:
            raise text.error(path, f"{operator.value} stands alone", f"leave out {value[:40]!r}")
    elif not value:
        raise text.error(path, f"nothing is compared in {written[:60]!r}", "write a value, or: is empty")
    field = parts["field"].strip()
    is_column = field.startswith('"')
    field = field.strip('"') if is_column else field
    name = " ".join(field.split()).casefold()
    is_column = is_column or name not in FIELDS
    values = _values(operator, value)
    if operator in _LISTS and not values:
        raise text.error(path, f"nothing is compared in {written[:60]!r}", "write values, with commas between them")
    condition = Condition(field=field if is_column else name, is_column=is_column, operator=operator, values=values)
    _check(text, path, condition)
    return condition


def _values(operator: Operator, value: str) -> tuple[str, ...]:
    if operator in _BARE:
        return ()
    if operator in _LISTS:
        return tuple(_unquoted(part.strip()) for part in _PARTS.findall(value) if part.strip())
    return (value,)


def _unquoted(value: str) -> str:
    """Without the pair of quotation marks around it."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _check(text: Text, path: Path, condition: Condition) -> None:
    """What can be known to be a mistake before any contact is looked at."""
    is_order = condition.operator in _ORDERS
    is_number = not condition.is_column and condition.field in NUMBERS
    for value in condition.values:
        if is_number and number_of(value) is None:
            raise text.error(path, f"{value[:40]!r} is no number", f"{condition.field} is compared with one, as in < 3")
        if is_order and number_of(value) is None and not _DATE.fullmatch(value):
            raise text.error(path, f"{value[:40]!r} has no order", "compare with a number or a date, as in 2026-11-23")
        labels = None if condition.is_column else _LABELS.get(condition.field)
        if labels is not None and condition.operator is not Operator.CONTAINS and value not in labels:
            mend = f"it is one of: {', '.join(sorted(labels))}"
            raise text.error(path, f"there is no {condition.field} {value[:40]!r}", mend)
