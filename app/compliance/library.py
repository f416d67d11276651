"""The profiles there are: those that come with the program, and an admin's own in a folder of files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Final

from app.compliance.law import Law
from app.compliance.load import load_profiles
from app.compliance.rules import Profile
from app.plain_yaml import MAX_LENGTH, FileError

MOST_FILES: Final = 200
"""More files than this in a folder are some other folder's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileVersion:
    """A profile as its file was written. sha256: of the file and of those it inherits from."""

    profile: Profile
    sha256: str
    source: str
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shelf:
    """All profiles at one moment, and what is wrong with the files that are none."""

    versions: Mapping[str, ProfileVersion]
    problems: tuple[FileError, ...] = ()
    laws: dict[tuple[str, ...], Law] = field(default_factory=dict)


class Lawbook:
    """All profiles by name; a changed, new or removed file of the folder counts from the next question on.

    A file that cannot be read is no profile: what asks for it is refused with its line, so that no call is made by
    rules nobody can read.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """folder: of an admin's own files, NAME.yaml; one that is not there holds none."""
        self.folder = folder
        self.noted: set[tuple[str, str]] = set()
        """Profiles, as their files are, whose first use is known to be on disk: by name and sha256."""
        self._seen: object = None
        self._shelf = _Shelf(versions={})

    def law(self, names: Iterable[str]) -> Law:
        """These profiles as one law. Raises FileError for a broken file, ValueError for a name there is not."""
        wanted = tuple(dict.fromkeys(names))
        shelf = self._looked()
        known = shelf.laws.get(wanted)
        if known is None:
            known = shelf.laws[wanted] = Law([self._found(shelf, name).profile for name in wanted])
        return known

    def version(self, name: str) -> ProfileVersion:
        """A profile with its file. Raises FileError, ValueError."""
        return self._found(self._looked(), name)

    def versions(self) -> Mapping[str, ProfileVersion]:
        """All that can be used, the packaged ones first."""
        return self._looked().versions

    def problems(self) -> tuple[FileError, ...]:
        """What is wrong with files of the folder: one for each file, naming line and field."""
        return self._looked().problems

    def _found(self, shelf: _Shelf, name: str) -> ProfileVersion:
        found = shelf.versions.get(name)
        if found is not None:
            return found
        broken = [problem for problem in shelf.problems if problem.name == f"{name}.yaml"]
        if broken:
            raise broken[0]
        raise ValueError(f"no compliance profile {name[:40]!r}; there are {', '.join(shelf.versions)}")

    def _looked(self) -> _Shelf:
        """The shelf as the files are now: read anew when a name, size or time of change differs."""
        seen = _signature(self.folder)
        if seen != self._seen or not self._shelf.versions:
            self._shelf = _read(self.folder)
            self._seen = seen
        return self._shelf


@lru_cache(maxsize=1)
def packaged_files() -> MappingProxyType[str, str]:
    """The files that come with the program, by profile."""
    folder = resources.files("app.compliance") / "profiles"
    return MappingProxyType(
        {
            entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
            for entry in sorted(folder.iterdir(), key=lambda one: one.name)
            if entry.name.endswith(".yaml")
        }
    )


@lru_cache(maxsize=1)
def packaged() -> MappingProxyType[str, Profile]:
    """All profiles of the package by name. Raises FileError where a file of it was damaged."""
    return MappingProxyType(load_profiles(packaged_files()))


def profiles(names: Iterable[str]) -> tuple[Profile, ...]:
    """Packaged profiles by name. Raises ValueError that names those there are."""
    known = packaged()
    wanted = tuple(names)
    strange = [name for name in wanted if name not in known]
    if strange:
        raise ValueError(f"no compliance profile {strange[0][:40]!r}; there are {', '.join(known)}")
    return tuple(known[name] for name in wanted)


def _signature(folder: Path | None) -> object:
    """What changes when a file of the folder does."""
    if folder is None:
        return ()
    try:
        found = [(entry, entry.stat()) for entry in folder.glob("*.yaml")]
    except OSError as error:
        return str(error)
    return tuple(sorted((str(entry), told.st_mtime_ns, told.st_size, told.st_ino) for entry, told in found))


def _read(folder: Path | None) -> _Shelf:
    files, problems = dict(packaged_files()), list[FileError]()
    own: dict[str, str] = {}
    for path in _paths(folder, problems):
        name = path.stem
        if name in files:
            problems.append(FileError(path.name, 1, "a profile of this name comes with the program", "rename the file"))
            continue
        try:
            with path.open(encoding="utf-8") as opened:
                own[name] = opened.read(MAX_LENGTH + 1)
        except OSError as error:
            problems.append(FileError(path.name, 1, f"cannot be read ({error.strerror})", "let Outring read it"))
        except UnicodeDecodeError:
            problems.append(FileError(path.name, 1, "not UTF-8 text", "save it as plain text in UTF-8"))
    loaded = _loaded(files, own, problems)
    versions = {
        name: ProfileVersion(
            profile=profile, sha256=_hash(profile, files | own), source=(files | own)[name], is_own=name in own
        )
        for name, profile in loaded.items()
    }
    return _Shelf(versions=versions, problems=tuple(problems))


def _paths(folder: Path | None, problems: list[FileError]) -> list[Path]:
    if folder is None or not folder.is_dir():
        return []
    try:
        paths = sorted(folder.glob("*.yaml"))
    except OSError as error:
        problems.append(FileError(str(folder), 1, f"cannot be read ({error.strerror})", "let Outring read it"))
        return []
    problems += [
        FileError(path.name, 1, f"more than {MOST_FILES} files", "keep profiles in a folder alone")
        for path in paths[MOST_FILES:]
    ]
    return paths[:MOST_FILES]


def _loaded(files: Mapping[str, str], own: dict[str, str], problems: list[FileError]) -> Mapping[str, Profile]:
    """All profiles that can be read; files that cannot are taken out of `own`, and told."""
    while own:
        try:
            return load_profiles({**files, **own})
        except FileError as error:
            name = error.name.removesuffix(".yaml")
            if name not in own:  # a packaged one was damaged
                raise
            problems.append(error)
            del own[name]
    return packaged()


def _hash(profile: Profile, files: Mapping[str, str]) -> str:
    """Of the file and its forebears: what it inherits is part of what it says."""
    digest = hashlib.sha256()
    for name in dict.fromkeys([*(owner for owner, _ in profile.owned), profile.name]):
        digest.update(f"{name}\n{files[name]}\n".encode())
    return digest.hexdigest()
