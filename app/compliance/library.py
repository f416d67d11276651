"""The profiles that come with the program: app/compliance/profiles/*.yaml, read when asked for and kept."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

from app.compliance.load import load_profiles
from app.compliance.rules import Profile


@lru_cache(maxsize=1)
def packaged() -> MappingProxyType[str, Profile]:
    """All profiles of the package by name. Raises FileError where a file of it was damaged."""
    folder = resources.files("app.compliance") / "profiles"
    files = {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda one: one.name)
        if entry.name.endswith(".yaml")
    }
    return MappingProxyType(load_profiles(files))


def profiles(names: Iterable[str]) -> tuple[Profile, ...]:
    """Packaged profiles by name. Raises ValueError that names those there are."""
    known = packaged()
    wanted = tuple(names)
    strange = [name for name in wanted if name not in known]
    if strange:
        raise ValueError(f"no compliance profile {strange[0][:40]!r}; there are {', '.join(known)}")
    return tuple(known[name] for name in wanted)
