"""What a campaign says of the law its calls come under. Data without behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.compliance.rules import Consent

DEFAULT_PROFILE: Final = "careful"
"""What a campaign comes under where nobody chose: 09:00 to 20:00 of the callee's own clock."""
ANYTIME: Final = "anytime"
"""Any hour of any day: for laboratories and tests, whose calls reach nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompliancePlan:
    """Which laws a campaign's calls come under, and what these want to know of it.

    profiles: by name, at least one; all must allow. seller, subject: who calls, and what about; "": not said, and then
    taken for the same as any other. consent: what everybody agreed to whose own column does not say. debt_column: the
    contacts' column that names the debt; "": none does.
    """

    profiles: tuple[str, ...] = (DEFAULT_PROFILE,)
    seller: str = ""
    subject: str = ""
    consent: Consent = Consent.NONE
    debt_column: str = ""


AT_ANY_TIME: Final = CompliancePlan(profiles=(ANYTIME,))
"""For demonstration, laboratory, bench and tests, which must not depend on the hour at which they run."""
