"""A copy of the source, a mistake in it, and what is found there. The checkout itself is never touched."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.simulation.mistakes.listed import ROOT, Mistake

PARTS: Final = ("app", "asterisk", "deploy", "docs", "sounds", "tests", "web")
FILES: Final = (
    "pyproject.toml",
    "constraints.txt",
    "Makefile",
    "README.md",
    "CHANGELOG.md",
    "docker-compose.asterisk.yml",
)
PLAYS_CPU_S: Final = 400
"""All plays together take a minute when nothing is found."""
TESTS_CPU_S: Final = 400
WALL_S: Final = 1_800
MEMORY_BYTES: Final = 4 * 1_024**3
NICE: Final = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one mistake.

    rules: broken ones of the play in which a checker found it (play); died: what the engine died of, by its own
    assertions. tests: the first test that failed; None: they were not asked, empty: none did. cpu_s: of all of it.
    """

    name: str
    rules: tuple[str, ...]
    play: str
    detail: str
    died: str
    tests: str | None
    cpu_s: float

    @property
    def is_on_the_wire(self) -> bool:
        """Whether a checker of the simulator found it."""
        return bool(self.rules)

    @property
    def is_found(self) -> bool:
        """Whether anything did."""
        return bool(self.rules or self.died or self.tests)


class Tree:
    """A copy of the source, in which one mistake after the other is planted and taken out again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        without = shutil.ignore_patterns(".lab")  # compiled files come with: times are kept
        for part in PARTS:
            shutil.copytree(ROOT / part, folder / part, ignore=without)
        for name in FILES:
            if (ROOT / name).exists():
                shutil.copy2(ROOT / name, folder / name)

    @contextmanager
    def with_planted(self, mistake: Mistake) -> Iterator[None]:
        """The mistake is in the copy. Raises SourceMovedOn."""
        path = self.folder / mistake.file
        planted = mistake.planted(self.folder)
        if path.suffix == ".py":
            compile(planted, mistake.file, "exec")
        keep = path.with_name(path.name + ".whole")
        shutil.copy2(path, keep)
        try:
            path.write_text(planted)
            yield
        finally:
            os.replace(keep, path)

    def plays(self, *, few: int | None = None, first: str = "") -> tuple[list[dict[str, object]], str]:
        """What the plays found, one by one; and what they printed when they ended otherwise."""
        more = ["--first", first] if few is None else ["--first", first, "--few", str(few)]
        done = self._run([sys.executable, "-m", "tests.simulation.mistakes.plays", *more], PLAYS_CPU_S)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return lines, "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"code {done.returncode}"])[
            -1
        ]

    def tests(self, paths: tuple[str, ...]) -> str:
        """The first of these tests that fails; empty: none."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider"]
        command += ["-m", "not asterisk and not browser and not postgres", "--timeout", "0", *paths]
        done = self._run(command, TESTS_CPU_S)
        if done.returncode == 0:
            return ""
        failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
        return failed.group(1) if failed else f"pytest ended with {done.returncode}"

    def _run(self, command: list[str], cpu_s: int) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}

        def bound() -> None:
            os.nice(NICE - os.nice(0))
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 5))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

        try:
            return subprocess.run(
                command, cwd=self.folder, env=environment, text=True, capture_output=True, timeout=WALL_S,
                preexec_fn=bound, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            out = late.stdout.decode() if isinstance(late.stdout, bytes) else (late.stdout or "")
            return subprocess.CompletedProcess(command, -1, out, f"not done after {WALL_S} s")


@contextmanager
def tree() -> Iterator[Tree]:
    """A copy that goes when it is no longer needed."""
    with TemporaryDirectory(prefix="outring-mistake-") as folder:
        yield Tree(Path(folder))


def judge(copy: Tree, mistake: Mistake, *, with_tests: bool, few: int | None = None) -> Verdict:
    """Plant it, play, and see. with_tests: ask the tests too, also where a checker found it."""
    began_s = _cpu_s()
    with copy.with_planted(mistake):
        lines, ended = copy.plays(few=few, first=mistake.first) if mistake.is_played else ([], "")
        rules: set[str] = set()
        play = detail = died = ""
        for line in lines:
            found = line["found"]
            assert isinstance(found, list)
            of_wire = {str(one).partition(":")[0] for one in found} - {"DIED", "ENDLESS"}
            if of_wire:
                rules |= of_wire
                play, detail = str(line["play"]), str(found[0])
            elif found:
                died = died or str(found[0])
        if ended:
            died = died or f"DIED: {ended}"
        tests = copy.tests(mistake.tests) if with_tests or not (rules or died) else None
    return Verdict(
        name=mistake.name, rules=tuple(sorted(rules)), play=play, detail=detail[:200], died=died[:200], tests=tests,
        cpu_s=_cpu_s() - began_s,
    )  # fmt: skip


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
