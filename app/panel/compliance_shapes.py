"""What goes in and out of the REST interface about compliance; see app.panel.campaign_shapes."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from app.compliance.library import Lawbook, ProfileVersion
from app.compliance.plan import DEFAULT_PROFILE, CompliancePlan
from app.compliance.rules import Consent
from app.panel.problems import pattern
from app.panel.shapes import In, left_out
from app.plan_checks import MAX_PROFILES, MAX_WORD

_PROFILE: Final = pattern(r"^[a-z][a-z0-9_]{0,39}$", "the name of a compliance profile, such as uk or us_fl")
_LINE: Final = pattern(r"^[^\x00-\x1f\x7f]*$", "one line of text")
CONSENTS: Final[dict[Literal["none", "prior", "written"], Consent]] = {
    "none": Consent.NONE,
    "prior": Consent.PRIOR,
    "written": Consent.PRIOR_EXPRESS_WRITTEN,
}
"""What somebody agreed to, as lists and campaigns write it."""
_NAMES: Final = {consent: name for name, consent in CONSENTS.items()}
ConsentName = Literal["none", "prior", "written"]
ProfileName = Annotated[str, Field(pattern=_PROFILE)]


class ComplianceBody(In):
    """Which laws the calls of a campaign come under."""

    profiles: list[ProfileName] = Field(
        default_factory=lambda: [DEFAULT_PROFILE],
        min_length=1,
        max_length=MAX_PROFILES,
        description="by name, as GET /compliance/profiles lists them; all must allow a call",
    )
    seller: str = Field(
        default="", max_length=MAX_WORD, pattern=_LINE, description="who calls, for caps that count by seller"
    )
    subject: str = Field(
        default="", max_length=MAX_WORD, pattern=_LINE, description="what about, for caps that count by subject"
    )
    consent: ConsentName = Field(
        default="none", description="what everybody of its lists agreed to whose own column does not say"
    )
    debt_column: str = Field(
        default="", max_length=MAX_WORD, pattern=_LINE, description="the lists' column that names the debt"
    )

    def plan(self) -> CompliancePlan:
        """As the store has it."""
        return CompliancePlan(
            profiles=tuple(dict.fromkeys(self.profiles)),
            seller=self.seller,
            subject=self.subject,
            consent=CONSENTS[self.consent],
            debt_column=self.debt_column,
        )

    @classmethod
    def of(cls, found: CompliancePlan) -> ComplianceBody:
        """For the wire."""
        return cls(
            profiles=list(found.profiles),
            seller=found.seller,
            subject=found.subject,
            consent=_NAMES[found.consent],
            debt_column=found.debt_column,
        )


class SteerComplianceBody(In):
    """What of a campaign's law may be changed by itself while it goes on."""

    profiles: list[ProfileName] = Field(
        default_factory=lambda: [DEFAULT_PROFILE],
        min_length=1,
        max_length=MAX_PROFILES,
        description="compliance profiles, by name; all must allow a call",
        json_schema_extra=left_out,
    )
    consent: ConsentName = Field(
        default="none", description="what everybody agreed to whose own column does not say", json_schema_extra=left_out
    )


STEERED_COMPLIANCE: Final = frozenset(SteerComplianceBody.model_fields)


def steered(plan: CompliancePlan, given: dict[str, Any]) -> CompliancePlan:
    """A plan with what was given of SteerComplianceBody."""
    if "profiles" in given:
        plan = replace(plan, profiles=tuple(dict.fromkeys(given["profiles"])))
    if "consent" in given:
        plan = replace(plan, consent=CONSENTS[given["consent"]])
    return plan


class RuleAnswer(BaseModel):
    """A rule of a profile. profile: whose file it is written in. unverified: what was remembered and not read."""

    profile: str
    rule: str
    source: str
    date: str
    unverified: str


class ProfileAnswer(BaseModel):
    """A compliance profile that can be used. is_own: of this house's own files; sha256: of its file and forebears."""

    name: str
    title: str
    note: str
    inherits: str
    is_own: bool
    sha256: str
    rules: list[RuleAnswer]
    duties: list[str]

    @classmethod
    def of(cls, name: str, found: ProfileVersion) -> ProfileAnswer:
        """For the wire."""
        profile = found.profile
        rules = [
            RuleAnswer(
                profile=owner,
                rule=rule.id,
                source=rule.basis.source,
                date=rule.basis.date,
                unverified=rule.basis.unverified,
            )
            for owner, rule in profile.owned
        ]
        return cls(
            name=name,
            title=profile.title,
            note=profile.note,
            inherits=profile.inherits,
            is_own=found.is_own,
            sha256=found.sha256,
            rules=rules,
            duties=[duty.says for duty in profile.duties],
        )


class ProfilesAnswer(BaseModel):
    """All profiles, and what is wrong with own files that are none: file, line, and the mend, in a sentence each."""

    profiles: list[ProfileAnswer]
    problems: list[str]

    @classmethod
    def of(cls, lawbook: Lawbook) -> ProfilesAnswer:
        """As the files are now."""
        return cls(
            profiles=[ProfileAnswer.of(name, found) for name, found in lawbook.versions().items()],
            problems=[str(problem) for problem in lawbook.problems()],
        )
