"""Numbering plans, compiled from phonenumbers' metadata for reading numbers by the million.

phonenumbers reads about 28,000 numbers a second, a list has a million. What is here decides the common ways of
writing with the same tables and the same rules (`phonenumberutil.parse`, its steps "extract country code" and "strip
national prefix"), and answers None where it would have to think; then the library is asked. A property test holds the
two together over every region.

**What counts as a number.** Its calling code exists, and its length is one that fixed lines or mobiles of that country
have, or the plan knows it as assigned. Not only assigned numbers: plans lag behind the operators, and the numbers
kept for fiction (+44 7700 900xxx, +1 202 555 01xx) are in no plan though they are what one tests with. A well-formed
number that nobody has is told by the network when it is dialed (outcome 7 or 3). Up to six national digits must be
known as assigned: 112 or 11833 read in a country of free lengths is a service, not a subscriber.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType, ValidationResult

from app.units import Number

SHORTEST_UNASSIGNED: Final = 7
"""National digits from which a fitting length is enough; below, the number must be assigned in the plan."""

_UNFIT_AFTER_PREFIX: Final = (
    ValidationResult.TOO_SHORT,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY,
    ValidationResult.INVALID_LENGTH,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One region's numbering plan.

    calling_code: digits without plus. abroad: what is dialed before an international number ("00", "810"). prefix: the
    national prefix and carrier codes; has_rewriting: some prefixes are replaced rather than dropped. assigned: the
    shape of all national numbers. possible, local_only: lengths of national numbers, with and without area code.
    subscriber: the lengths that fixed lines and mobiles have, from SHORTEST_UNASSIGNED on.
    """

    region: str
    calling_code: str
    abroad: re.Pattern[str] | None
    prefix: re.Pattern[str] | None
    has_rewriting: bool
    assigned: re.Pattern[str]
    possible: tuple[int, ...]
    local_only: frozenset[int]
    subscriber: frozenset[int]

    def length(self, national: str) -> int:
        """phonenumbers' ValidationResult of the length of `national`."""
        count = len(national)
        if count in self.local_only:
            return ValidationResult.IS_POSSIBLE_LOCAL_ONLY
        if count in self.possible:
            return ValidationResult.IS_POSSIBLE
        if count < self.possible[0]:
            return ValidationResult.TOO_SHORT
        return ValidationResult.TOO_LONG if count > self.possible[-1] else ValidationResult.INVALID_LENGTH

    def without_prefix(self, digits: str) -> str | None:
        """`digits` without the national prefix; None where the prefix is to be replaced by something else."""
        found = self.prefix.match(digits) if self.prefix is not None and digits else None
        if found is None:
            return digits
        if self.has_rewriting and found.groups()[-1] is not None:
            return None
        stripped = digits[found.end() :]
        is_needed = self.assigned.fullmatch(digits) and not self.assigned.fullmatch(stripped)
        return digits if is_needed else stripped

    def national(self, digits: str) -> str | None:
        """The national number in `digits`, which may begin with the national prefix."""
        stripped = self.without_prefix(digits)
        if stripped is None:
            return None
        return digits if self.length(stripped) in _UNFIT_AFTER_PREFIX else stripped


@lru_cache(maxsize=512)
def plan_of(region: str) -> Plan:
    """The plan of an ISO 3166 region such as "GB". Raises KeyError for a region phonenumbers does not know."""
    found = PhoneMetadata.metadata_for_region(region)
    if found is None:
        raise KeyError(region)
    general = found.general_desc
    assert general is not None, region
    assert general.national_number_pattern is not None, region
    kinds = [kind for kind in (found.fixed_line, found.mobile) if kind is not None]
    lines = {length for kind in kinds for length in kind.possible_length}
    possible = tuple(general.possible_length)
    return Plan(
        region=region,
        calling_code=str(found.country_code),
        abroad=re.compile(found.international_prefix) if found.international_prefix else None,
        prefix=re.compile(found.national_prefix_for_parsing) if found.national_prefix_for_parsing else None,
        has_rewriting=bool(found.national_prefix_transform_rule),
        assigned=re.compile(general.national_number_pattern),
        possible=possible,
        local_only=frozenset(general.possible_length_local_only),
        subscriber=frozenset(n for n in lines if n in possible and n >= SHORTEST_UNASSIGNED),
    )


@lru_cache(maxsize=1)
def main_regions() -> dict[str, str]:
    """Calling code → the region whose plan speaks for it: "44" → "GB". Codes of no region (+800, +882) are not here."""
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    return {str(code): regions[0] for code, regions in codes.items() if regions[0] != "001"}


def read_plainly(clean: str, home: Plan | None) -> Number | None:
    """Read a number of nothing but digits, perhaps with a plus before them.

    home: the plan that numbers without a plus are read in. None: not told here, ask phonenumbers.
    """
    if clean[:1] == "+":
        return _international(clean[1:])
    if home is None or not (clean.isascii() and clean.isdigit()):
        return None
    if home.abroad is not None and home.abroad.match(clean):
        return None
    if clean.startswith(home.calling_code):
        rest = home.without_prefix(clean[len(home.calling_code) :])
        if rest is None:
            return None
        is_longer = home.length(clean) == ValidationResult.TOO_LONG
        if is_longer or (home.assigned.fullmatch(rest) and not home.assigned.fullmatch(clean)):
            return _accepted(home.calling_code, rest)
    national = home.national(clean)
    if national is None:
        return None
    is_settled = national == clean and _main_plans[home.calling_code] is home
    return _fitting(home.calling_code, national, is_settled=is_settled)


class _MainPlans(dict[str, Plan]):
    """Calling code → the plan that speaks for it, each made when it is first asked for."""

    def __missing__(self, calling_code: str) -> Plan:
        plan = self[calling_code] = plan_of(main_regions()[calling_code])
        return plan


_main_plans: Final = _MainPlans()


def _international(digits: str) -> Number | None:
    if not (digits.isascii() and digits.isdigit()):
        return None
    regions = main_regions()
    for count in (1, 2, 3):
        if digits[:count] in regions:
            return _accepted(digits[:count], digits[count:])
    return None


def _accepted(calling_code: str, digits: str) -> Number | None:
    national = _main_plans[calling_code].national(digits)
    return None if national is None else _fitting(calling_code, national, is_settled=national == digits)


def _fitting(calling_code: str, national: str, *, is_settled: bool) -> Number | None:
    plan, count = _main_plans[calling_code], len(national)
    if count not in plan.subscriber or len(calling_code) + count > 15:
        return None
    if not is_settled and plan.national(national) != national:  # a prefix behind the prefix: see reads_as_itself
        return None
    return Number(f"+{calling_code}{national}")


def reads_as_itself(parsed: phonenumbers.PhoneNumber) -> bool:
    """Whether a number, written in E.164, is read as the same number.

    `+49 00 56…` loses one 0 at a first reading and the other at a second: nobody knows what was meant.
    """
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    again = phonenumbers.parse(written, None)
    return bool(phonenumbers.format_number(again, phonenumbers.PhoneNumberFormat.E164) == written)


def is_subscriber(parsed: phonenumbers.PhoneNumber) -> bool:
    """Whether a number read by phonenumbers counts as one: the rule at the head of this module."""
    national = phonenumbers.national_significant_number(parsed)
    if len(str(parsed.country_code)) + len(national) > 15:
        return False
    if phonenumbers.is_possible_number_with_reason(parsed) != ValidationResult.IS_POSSIBLE:
        return False
    if len(national) >= SHORTEST_UNASSIGNED and any(
        phonenumbers.is_possible_number_for_type_with_reason(parsed, kind) == ValidationResult.IS_POSSIBLE
        for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
    ):
        return True
    return bool(phonenumbers.is_valid_number(parsed))
