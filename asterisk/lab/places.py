"""Folders of running laboratories, and the removal of those whose owner was killed.

Below one folder of the temporary folder for each user: ``locks/`` (ports), and ``<lab>/`` with ``owner.json``, which
names the process a lab belongs to by id and start time. A lab whose owner is gone is stale.
"""

import contextlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from asterisk.lab.errors import LabError

_OWNER = "owner.json"
# The path of a control socket has room for 107 characters, and ours adds about forty.
_LONGEST_TEMPORARY = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Folders of one lab."""

    directory: Path
    """Configuration, logs, recordings."""
    run_dir: Path
    """Control sockets: always below the temporary folder, as their paths have to be short."""
    keep: bool
    """Leave `directory` there at the end."""
    is_ours: bool
    """Whether `directory` was made by us, and so is ours to remove."""

    def remove(self) -> None:
        """Remove what is ours to remove."""
        if self.is_ours and not self.keep:
            shutil.rmtree(self.directory, ignore_errors=True)
        elif self.directory == self.run_dir:
            (self.directory / _OWNER).unlink(missing_ok=True)
        if self.run_dir != self.directory:
            shutil.rmtree(self.run_dir, ignore_errors=True)


def base_dir() -> Path:
    """The folder of this user's laboratories; made if missing, closed to others.

    Raises LabError when somebody else made it first.
    """
    temporary = Path(tempfile.gettempdir())
    if len(str(temporary)) > _LONGEST_TEMPORARY:
        temporary = Path("/tmp")  # nosec B108 # a folder of its own is made in it
    base = temporary / f"outring-lab-{os.geteuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    if base.stat().st_uid != os.geteuid():
        raise LabError(f"{base} belongs to another user. Mend: have it removed, or set TMPDIR to a folder of your own.")
    return base


def locks_dir() -> Path:
    """Where ports are locked."""
    return base_dir() / "locks"


def claim(directory: Path | None, keep: bool) -> Place:
    """Make the folders of a new lab, in the name of this process."""
    run_dir = Path(tempfile.mkdtemp(prefix="lab-", dir=base_dir()))
    is_ours = directory is None or not directory.exists()
    place = Place(directory=(directory or run_dir).absolute(), run_dir=run_dir, keep=keep, is_ours=is_ours)
    place.directory.mkdir(parents=True, exist_ok=True)
    owner = {
        "pid": os.getpid(),
        "started": started_at(os.getpid()),
        "directory": str(place.directory),
        "keep": keep or not is_ours,
    }
    (run_dir / _OWNER).write_text(json.dumps(owner))
    return place


def remove_stale() -> None:
    """Remove the folders of labs whose owner was killed. Their processes died with the owner."""
    for path in base_dir().glob(f"lab-*/{_OWNER}"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            owner = json.loads(path.read_text())
            if started_at(owner["pid"]) == owner["started"]:
                continue
            directory = Path(owner["directory"])
            if not owner["keep"]:
                shutil.rmtree(directory, ignore_errors=True)
            if directory == path.parent and owner["keep"]:
                path.unlink()
            else:
                shutil.rmtree(path.parent, ignore_errors=True)


def started_at(pid: int) -> int | None:
    """Start of a process in clock ticks since boot; None if there is no such process.

    It tells a process from a later one that was given the same id.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    after_name = stat.rpartition(")")[2].split()
    return None if after_name[0] == "Z" else int(after_name[19])
