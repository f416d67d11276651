"""What came of an import, in counts that add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from app.contacts.problems import RowProblem
from app.units import CampaignId, ListId


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows by what became of them: rows = imported + duplicates + rejected.

    imported: new contacts. duplicates: rows of contacts that are there already, from before or from an earlier row; of
    these updated: changed the contact, unchanged: left it as it was. rejected: rows not taken.
    do_not_call: of the imported ones, whose first phone is on the do-not-call list. kept_invalid: rows taken although a
    further phone, the language or the time zone in them could not be read and was left empty.
    """

    rows: int = 0
    imported: int = 0
    duplicates: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    do_not_call: int = 0
    kept_invalid: int = 0

    def __add__(self, other: Counts) -> Counts:
        mine, theirs = asdict(self), asdict(other)
        return Counts(**{name: mine[name] + theirs[name] for name in mine})


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProgress:
    """How far an import is. stage: "checking" or "importing"; done of total: bytes of a text, rows of a workbook.

    import_id: 0 while it is checked.
    """

    stage: str
    done: int
    total: int
    counts: Counts = Counts()
    import_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did.

    problems: the first ones, for people; all of them up to a limit are in the table import_problems under import_id.
    problem_count: how many there were. mends: how many problems each mend would solve. campaigns: contacts that joined
    campaigns which have this list. mapping: role → column.
    """

    import_id: int
    list_id: ListId
    list_name: str
    file: str
    counts: Counts
    columns: tuple[str, ...]
    mapping: Mapping[str, str]
    problems: tuple[RowProblem, ...] = ()
    problem_count: int = 0
    mends: Mapping[str, int] = field(default_factory=dict)
    campaigns: Mapping[CampaignId, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For machines: imported, rejected, duplicates are stable names, and so are the rest of the counts."""
        return {
            "list": self.list_name,
            "list_id": self.list_id,
            "import_id": self.import_id,
            "file": self.file,
            **asdict(self.counts),
            "mapping": dict(self.mapping),
            "problem_count": self.problem_count,
            "problems": [asdict(problem) for problem in self.problems],
        }
