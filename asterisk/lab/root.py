"""Where the laboratory's Asterisk comes from: a suitable one of this machine, or a private Debian root built once.

The private root is not entered by chroot: its programs run through the root's own loader and libraries, so that a path
means the same to Asterisk and to everybody else on the machine.
"""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from asterisk.lab.errors import LabError

SUITE = "sid"
MIRROR = "http://deb.debian.org/debian"
KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKAGES = (
    "asterisk",
    "asterisk-core-sounds-en-wav",
    "asterisk-core-sounds-ru-wav",
    "asterisk-moh-opsound-wav",
    "sip-tester",
)
OLDEST = (20, 14)
"""REST over the websocket came with 20.14 and 22.4; older ones are not used."""
MODULES_CONF = Path(__file__).parent.parent / "conf" / "modules.conf"
_SOUNDS_CORE = {"en": "en_US_f_Allison", "ru": "ru_RU_f_IvrvoiceRU"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """An Asterisk that can be started: how to call it, and where its parts are."""

    version: str
    asterisk: tuple[str, ...]
    """Command and leading arguments."""
    sipp: tuple[str, ...] | None
    """Command of SIPp, the load generator; None where there is none."""
    modules_dir: Path
    data_dir: Path
    """Has documentation/ and rest-api/."""
    sounds: dict[str, Path]
    """Language to the folder of its core sounds."""
    origin: str
    """Plain words for the status page."""


def find_installation() -> Installation | None:
    """The Asterisk to use, or None when one has to be built first.

    ``OUTRING_LAB_ROOT`` names a root and wins; then a suitable system Asterisk; then the root in the cache.
    """
    if named := os.environ.get("OUTRING_LAB_ROOT"):
        return _from_root(Path(named)) if Path(named).exists() else None
    return _from_system() or (_from_root(default_root()) if default_root().is_dir() else None)


def default_root() -> Path:
    """Where `build` puts the root: one folder for each list of packages, so that a changed list is built anew."""
    if named := os.environ.get("OUTRING_LAB_ROOT"):
        return Path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:10]
    return cache / "outring" / f"asterisk-{SUITE}-{digest}"


def build() -> Installation:
    """Return the Asterisk to use, building the private root first where there is none (about half a minute).

    The root is made in a folder beside and renamed at the end: a half-built one is never used.
    Raises LabError naming the mend: a missing program, missing rights, no network.
    """
    if found := find_installation():
        return found
    _check_can_build()
    root = default_root()
    root.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive(root.parent / f"{root.name}.lock"):
        if not root.exists():
            _build_into(root)
    return _from_root(root)


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """One build at a time; the second waits, then finds the work done."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _check_can_build() -> None:
    if shutil.which("mmdebstrap") is None:
        raise LabError("mmdebstrap is missing: it builds the private Asterisk. Mend: apt-get install mmdebstrap")
    if os.geteuid() != 0:
        raise LabError(
            "Building the private Asterisk needs root. Mend: run `sudo make lab` once and set OUTRING_LAB_ROOT to the "
            f"folder it names, or install an Asterisk of version {OLDEST[0]}.{OLDEST[1]} or later."
        )


def _build_into(root: Path) -> None:
    for leftover in root.parent.glob(f".{root.name}.*"):
        shutil.rmtree(leftover, ignore_errors=True)
    half = Path(tempfile.mkdtemp(prefix=f".{root.name}.", dir=root.parent))
    command = ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"]
    command += ['--aptopt=Acquire::Check-Valid-Until "false"', "--dpkgopt=path-exclude=/usr/share/man/*"]
    command += [f"--include={','.join(PACKAGES)}", SUITE, str(half / "root"), _source()]
    log = root.parent / f"{root.name}.log"
    try:
        with log.open("wb") as output:
            result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
        if result.returncode != 0:
            raise LabError(_why_build_failed(log))
        (half / "root").chmod(0o755)
        (half / "root").rename(root)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _source() -> str:
    """The archive as a line of sources.list, with its keys named: only a Debian trusts them by itself."""
    mirror = os.environ.get("OUTRING_LAB_MIRROR") or MIRROR
    signed = f"[signed-by={KEYS}] " if KEYS.exists() else ""
    return f"deb {signed}{mirror} {SUITE} main"


def _why_build_failed(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    text = "\n".join(lines)
    last = "\n".join(lines[-4:])
    if re.search(
        r"Temporary failure resolving|Could not connect|Unable to connect|Connection (timed out|refused)", text
    ):
        mend = "Debian's archive cannot be reached. Mend: give this machine network, or set OUTRING_LAB_MIRROR."
    elif "NO_PUBKEY" in text or "keyring" in text:
        mend = "Debian's signing keys are missing. Mend: apt-get install debian-archive-keyring"
    elif "No space left" in text:
        mend = "The disk is full. Mend: free 1 GB, or set XDG_CACHE_HOME to a larger disk."
    else:
        mend = "mmdebstrap failed."
    return f"{mend}\nFull log: {log}; its end:\n{last}"


def _from_root(root: Path) -> Installation:
    libraries = _library_dir(root)
    run = _runner(root, libraries)
    binary = root / "usr/sbin/asterisk"
    if not binary.is_file():
        raise LabError(f"{root} holds no Asterisk. Mend: remove that folder and run: python -m asterisk.lab build")
    asterisk = (*run, "--argv0", "asterisk", str(binary))
    sipp = root / "usr/bin/sipp"
    sounds_dir = root / "usr/share/asterisk/sounds"
    return Installation(
        version=_version(asterisk),
        asterisk=asterisk,
        sipp=(*run, "--argv0", "sipp", str(sipp)) if sipp.is_file() else None,
        modules_dir=libraries / "asterisk/modules",
        data_dir=root / "usr/share/asterisk",
        sounds={language: sounds_dir / core for language, core in _SOUNDS_CORE.items() if (sounds_dir / core).is_dir()},
        origin=f"private root {root}",
    )


def _library_dir(root: Path) -> Path:
    return root / "usr/lib" / f"{platform.machine()}-linux-gnu"


def _runner(root: Path, libraries: Path) -> tuple[str, ...]:
    """The root's own loader, which runs the root's programs with the root's libraries."""
    names = {"x86_64": "lib64/ld-linux-x86-64.so.2", "aarch64": "lib/ld-linux-aarch64.so.1"}
    name = names.get(platform.machine())
    if name is None:
        raise LabError(
            f"The private Asterisk is made for x86_64 and aarch64, not {platform.machine()}: install Asterisk."
        )
    return (str(root / name), "--library-path", str(libraries))


def _from_system() -> Installation | None:
    """An Asterisk already on this machine, when it is new enough and has the modules and sounds the lab needs."""
    binary = shutil.which("asterisk") or shutil.which("asterisk", path="/usr/sbin:/usr/local/sbin")
    if binary is None:
        return None
    version = _version((binary,))
    triplet = f"{platform.machine()}-linux-gnu"
    modules = _first_dir(*(f"/usr/{lib}/asterisk/modules" for lib in ("lib", f"lib/{triplet}", "lib64")))
    data = _first_dir("/usr/share/asterisk", "/var/lib/asterisk", below="documentation")
    if not is_suitable(version) or modules is None or data is None or _missing_modules(modules):
        return None
    sounds = {language: path for language in _SOUNDS_CORE if (path := data / "sounds" / language).is_dir()}
    if "en" not in sounds or not any(
        (sounds["en"] / f"im-sorry.{suffix}").exists() for suffix in ("wav", "gsm", "ulaw")
    ):
        return None
    sipp = shutil.which("sipp")
    return Installation(
        version=version,
        asterisk=(binary,),
        sipp=(sipp,) if sipp else None,
        modules_dir=modules,
        data_dir=data,
        sounds=sounds,
        origin=f"this machine's {binary}",
    )


def is_suitable(version: str) -> bool:
    """Whether an Asterisk of this version ("22.10.1", "20.6.0~dfsg") has all the laboratory uses."""
    found = re.search(r"(\d+)\.(\d+)", version)
    if found is None:
        return False
    major, minor = int(found[1]), int(found[2])
    return (major, minor) >= OLDEST and major != 21 and not (major == 22 and minor < 4)


def _missing_modules(modules_dir: Path) -> list[str]:
    wanted = re.findall(r"^load = (\S+)", MODULES_CONF.read_text(), re.MULTILINE)
    return [name for name in wanted if not (modules_dir / name).exists()]


def _first_dir(*candidates: str, below: str = "") -> Path | None:
    return next((Path(candidate) for candidate in candidates if (Path(candidate) / below).is_dir()), None)


def _version(command: tuple[str, ...]) -> str:
    try:
        result = subprocess.run([*command, "-V"], capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError) as error:
        raise LabError(
            f"{command[-1]} does not start: {error}. Mend: remove it, or rebuild the private root."
        ) from error
    found = re.search(r"Asterisk (?:certified/)?(\S+)", result.stdout)
    return found[1] if found else "unknown"
