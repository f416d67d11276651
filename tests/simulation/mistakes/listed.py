"""The mistakes as they are listed, in the `*.toml` beside this file: what stands in the source, what is put instead."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LISTS: Final = Path(__file__).parent
ROOT: Final = Path(__file__).parents[3]
_FIELDS: Final = frozenset(
    {"name", "file", "stands", "instead", "why", "finds", "tests", "first", "is_played", "no_harm"}
)


class SourceMovedOn(Exception):
    """A mistake cannot be planted: its text is not in the source exactly once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake that a programmer could make.

    stands: text that is in `file` exactly once; instead: what is put there. why: what it does to people. finds: the
    checker at the wire that is to find it; empty: whichever does, or the tests. tests: where those are. first: plays
    whose names hold this word are played before the others. is_played: no play can show it where this is False.
    no_harm: why it may go unseen; empty: it may not.
    """

    name: str
    file: str
    stands: str
    instead: str
    why: str
    finds: str
    tests: tuple[str, ...]
    first: str = ""
    is_played: bool = True
    no_harm: str = ""

    def planted(self, root: Path = ROOT) -> str:
        """The file's text with the mistake in it. Raises SourceMovedOn."""
        path = root / self.file
        if not path.is_file():
            raise SourceMovedOn(f"{self.name}: there is no {self.file} any more")
        source = path.read_text()
        times = source.count(self.stands)
        if times != 1:
            raise SourceMovedOn(
                f"{self.name}: in {self.file} this stands {times} times, not once; mend the list:\n{self.stands}"
            )
        return source.replace(self.stands, self.instead)


def listed(folder: Path = LISTS) -> tuple[Mistake, ...]:
    """All mistakes, by file and place in it. Raises ValueError for a list that cannot be read."""
    found: list[Mistake] = []
    for path in sorted(folder.glob("*.toml")):
        whole = tomllib.loads(path.read_text())
        for entry in whole["mistake"]:
            if unknown := entry.keys() - _FIELDS:
                raise ValueError(f"{path.name}: {entry.get('name')}: unknown {', '.join(sorted(unknown))}")
            usual = {"first": "", "is_played": True} | {name: whole[name] for name in whole if name != "mistake"}
            fields = usual | {"finds": ""} | entry
            found.append(Mistake(**{**fields, "tests": tuple(fields["tests"])}))
    if twice := {one.name for one in found if sum(other.name == one.name for other in found) > 1}:
        raise ValueError(f"listed twice: {', '.join(sorted(twice))}")
    return tuple(found)
