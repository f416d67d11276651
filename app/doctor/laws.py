"""Compliance profiles of one's own: whether each file can be read. The packaged ones are the program's to test."""

from __future__ import annotations

from collections.abc import Iterator

from app.compliance.library import Lawbook
from app.doctor.finding import Finding, Step, bad, good
from app.doctor.subject import setting
from app.settings import Settings


def own_profiles(settings: Settings) -> Iterator[Finding]:
    """A finding for each file that is no profile, or one for all that are; nothing where there is no such folder."""
    folder = settings.compliance_dir
    if not folder.is_dir():
        return
    lawbook = Lawbook(folder)
    problems = lawbook.problems()
    for problem in problems:
        yield bad(
            Step.COMPLIANCE,
            f"The compliance profile {problem.name} cannot be read: {problem.reason}. Campaigns that name it call "
            "nobody.",
            mend=f"{problem.mend[:1].upper()}{problem.mend[1:]}; then run: outring profiles",
            place=f"{folder / problem.name}:{problem.line}; {setting('compliance_dir')}",
        )
    if not problems:
        own = [name for name, version in lawbook.versions().items() if version.is_own]
        yield good(Step.COMPLIANCE, f"Compliance profiles of your own: {', '.join(own) or 'none yet'}.")
