"""Asterisk's configuration files, as far as they can be read from here: to name the file and line to mend.

Only for naming: what is right or wrong is asked of the running Asterisk. Where FreePBX writes the files itself, its
screen and the `_custom` file that it leaves alone are named instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

_SECTION = re.compile(r"\[([^\]]+)\]")
_SETTING = re.compile(r"([^=\s][^=]*?)\s*=>?\s*(.*)")
_INCLUDE = re.compile(r'#(?:try)?include\s+"?([^">\s][^">]*)"?')
_MAX_DEPTH: Final = 8

#: FreePBX: Asterisk's file → the file for one's own lines, and the screen that writes the rest of it.
FREEPBX: Final = {
    "http.conf": ("http_custom.conf", "Settings → Advanced Settings → Asterisk Builtin mini-HTTP server"),
    "ari.conf": ("ari_additional_custom.conf", "Settings → Asterisk REST Interface Users"),
    "manager.conf": ("manager_custom.conf", "Settings → Asterisk Manager Users"),
    "extensions.conf": ("extensions_custom.conf", ""),
    "pjsip.conf": ("pjsip.endpoint_custom_post.conf", "Connectivity → Trunks → your trunk → pjsip Settings"),
    "modules.conf": ("modules.conf", "Admin → Asterisk Modules"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One setting in a configuration file."""

    path: Path
    number: int
    section: str
    key: str
    value: str

    def __str__(self) -> str:
        return f"{self.path}, line {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conf:
    """The folder of Asterisk's configuration.

    is_readable_here: Asterisk runs on this machine, so the files may be ours to read; else they are only named.
    """

    directory: Path = Path("/etc/asterisk")
    is_readable_here: bool = True
    is_freepbx: bool = False

    def on_freepbx(self) -> Conf:
        """The same, with FreePBX writing the files."""
        return replace(self, is_freepbx=True)

    def lines(self, file: str, section: str) -> list[Line]:
        """The settings of a section in the order Asterisk reads them; none where the file cannot be read."""
        if not self.is_readable_here:
            return []
        return [line for line in _read(self.directory / file, self.directory) if line.section == section]

    def line(self, file: str, section: str, key: str) -> Line | None:
        """The last line that sets `key`: in most files the one that counts."""
        found = [line for line in self.lines(file, section) if line.key == key]
        return found[-1] if found else None

    def place(self, file: str, section: str, key: str = "") -> str:
        """Where to mend: the very line if there is one, else the file and section (and FreePBX's screen)."""
        line = self.line(file, section, key) if key else None
        if self.is_freepbx:
            custom, screen = FREEPBX.get(file, (file, ""))
            own = f"{self.directory / custom}, [{section}]"
            return f"FreePBX: {screen}; or {own}" if screen else own
        return f"{line}: {line.key} = {_shown(line)}" if line else f"{self.directory / file}, [{section}]"

    def reload(self, module: str) -> str:
        """The command that makes Asterisk read its files again, calls in progress left alone."""
        if self.is_freepbx:
            return "press Apply Config, or run: fwconsole reload"
        return f"run: asterisk -rx '{module}'"


def _shown(line: Line) -> str:
    return "…" if line.key in ("password", "secret") else line.value


def _read(path: Path, directory: Path, depth: int = 0, section: str = "") -> Iterator[Line]:
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return
    is_comment = False
    for number, raw in enumerate(text.splitlines(), start=1):
        if is_comment or raw.lstrip().startswith(";--"):
            is_comment = "--;" not in raw
            continue
        bare = re.split(r"(?<!\\);", raw, maxsplit=1)[0].strip()
        if included := _INCLUDE.match(bare):
            for file in _included(included[1].strip(), directory) if depth < _MAX_DEPTH else []:
                yield from _read(file, directory, depth + 1, section)
        elif header := _SECTION.match(bare):
            section = header[1]
        elif setting := _SETTING.match(bare):
            yield Line(path=path, number=number, section=section, key=setting[1].strip(), value=setting[2])


def _included(name: str, directory: Path) -> list[Path]:
    """Names are seen from the configuration's folder, whichever file they stand in; `*` is allowed."""
    return [Path(name)] if name.startswith("/") else sorted(directory.glob(name))
