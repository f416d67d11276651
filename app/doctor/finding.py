"""What the doctor says: one finding for each thing looked at, and all of them as a report."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Final


class Step(enum.StrEnum):
    """What is looked at, in this order. The value is the stable name in the JSON report."""

    REACHED = "reached"
    HTTP = "http"
    ARI = "ari"
    PASSWORD = "password"
    RIGHTS = "rights"
    FREEPBX = "freepbx"
    VERSION = "version"
    MODULES = "modules"
    APPLICATION = "application"
    WEBSOCKET = "websocket"
    DIALPLAN = "dialplan"
    PHONES = "phones"
    APOLOGY = "apology"
    RECORDINGS = "recordings"
    PROMPTS = "prompts"
    PROMPT_FORMAT = "prompt_format"
    SESSIONS = "sessions"
    CLOCK = "clock"
    HOST_NAME = "host_name"
    EXPOSURE = "exposure"
    SECRECY = "secrecy"
    DATABASE = "database"
    DUTY = "duty"
    MANAGER = "manager"
    COMPLIANCE = "compliance"
    AUDIT = "audit"
    PREFIXES = "prefixes"
    TRUNK = "trunk"
    TRUNK_ANSWERS = "trunk_answers"
    CODECS = "codecs"
    NAT = "nat"
    PHONE_LOSS = "phone_loss"
    PHONE_CODECS = "phone_codecs"


TITLES: Final = {
    Step.REACHED: "Asterisk's web server is reached",
    Step.HTTP: "It speaks HTTP",
    Step.ARI: "ARI is there",
    Step.PASSWORD: "The ARI password",
    Step.RIGHTS: "The ARI user may change things",
    Step.FREEPBX: "FreePBX",
    Step.VERSION: "The version of Asterisk",
    Step.MODULES: "The modules of Asterisk",
    Step.APPLICATION: "The application's name is free",
    Step.WEBSOCKET: "The events websocket",
    Step.DIALPLAN: "The dialplan for answered calls",
    Step.PHONES: "The dialplan for agents' phones",
    Step.APOLOGY: "The sounds of the apology",
    Step.RECORDINGS: "Recordings",
    Step.PROMPTS: "Prompts can be played",
    Step.PROMPT_FORMAT: "The format of the prompts",
    Step.SESSIONS: "Connections to the web server",
    Step.CLOCK: "The clocks",
    Step.HOST_NAME: "This machine's own name",
    Step.EXPOSURE: "The web server is closed to the world",
    Step.SECRECY: "The password is hard to guess",
    Step.DATABASE: "The database keeps what it took",
    Step.DUTY: "The dialer on duty",
    Step.MANAGER: "The manager interface (AMI)",
    Step.COMPLIANCE: "Your own compliance profiles",
    Step.AUDIT: "The audit trail",
    Step.PREFIXES: "The numbers that may be called",
    Step.TRUNK: "The trunk",
    Step.TRUNK_ANSWERS: "The trunk's far end",
    Step.CODECS: "The trunk's sound formats",
    Step.NAT: "The trunk's address for sound",
    Step.PHONE_LOSS: "Lost phones are noticed",
    Step.PHONE_CODECS: "Phones speak the trunk's sound format",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at.

    ok: True: good; False: to be mended; None: not known, or not checked. what: a sentence for people. mend: what to do,
    with the exact line and command; empty where there is nothing to do. place: the file and line, screen or setting.
    """

    step: Step
    ok: bool | None
    what: str
    mend: str = ""
    place: str = ""

    def __str__(self) -> str:
        mark = {True: "✓", False: "✗", None: "?"}[self.ok]
        where = f"\n    where: {self.place}" if self.place else ""
        how = f"\n    mend:  {self.mend}" if self.mend else ""
        return f"{mark} {self.what}{where}{how}"

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"step": self.step.value, "ok": self.ok, "what": self.what, "mend": self.mend, "place": self.place}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All findings of one examination."""

    findings: tuple[Finding, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is known to be wrong; what could not be checked does not count."""
        return not self.failed

    @property
    def failed(self) -> tuple[Finding, ...]:
        """What is to be mended."""
        return tuple(finding for finding in self.findings if finding.ok is False)

    def document(self) -> dict[str, Any]:
        """As JSON: healthy, and the findings in order."""
        return {"healthy": self.is_healthy, "findings": [finding.document() for finding in self.findings]}


def good(step: Step, what: str) -> Finding:
    """Something that is as it should be."""
    return Finding(step=step, ok=True, what=what)


def bad(step: Step, what: str, *, mend: str, place: str = "") -> Finding:
    """Something to be mended."""
    return Finding(step=step, ok=False, what=what, mend=mend, place=place)


def unknown(step: Step, what: str, *, mend: str = "", place: str = "") -> Finding:
    """Something that cannot be told from here."""
    return Finding(step=step, ok=None, what=what, mend=mend, place=place)


def skipped(step: Step, because: str) -> Finding:
    """Something that made no sense to look at."""
    return Finding(step=step, ok=None, what=f"{TITLES[step]}: not checked, because {because}.")
