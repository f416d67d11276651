"""What needs the events websocket: the dialplan as Asterisk has it, a real recording, a real playback.

All of it on a bridge and a channel of the doctor's own, under an application name of its own; nobody is called.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import shutil
import struct
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from app.asterisk.ari import AriClient, AriError, AriNotFound, AriServerError, AriUnavailable
from app.asterisk.ari.models import PlaybackFinished, RecordingFailed, RecordingFinished, RecordingStarted
from app.asterisk.phones import PHONE_CONTEXT
from app.doctor.finding import Finding, Step, bad, good, unknown
from app.doctor.subject import Subject, setting

CONNECTS_WITHIN_S: Final = 2.0
ENDS_WITHIN_S: Final = 5.0
APOLOGY: Final = ("im-sorry", "vm-nobodyavail", "goodbye")
"""What asterisk/conf/extensions.conf plays when Outring is not there."""
RATE_HZ: Final = 8_000
MOST_FILES: Final = 5_000
_EVENTS: Final = ("PlaybackFinished", "RecordingFailed", "RecordingFinished", "RecordingStarted")


class Bench:
    """A connection to Asterisk of the doctor's own, with a bridge to try sound on."""

    def __init__(self, client: AriClient, name: str, events: asyncio.Queue[Any]) -> None:
        self.ari = client
        self.name = name
        # Names of their own: Asterisk tells an application nothing of a bridge that is called like a channel of its.
        self.bridge = f"{name}-bridge"
        self.channel = f"{name}-channel"
        self._events = events

    async def ending(self, kinds: tuple[type, ...]) -> Any:
        """The next event of these kinds. Raises TimeoutError."""
        async with asyncio.timeout(ENDS_WITHIN_S):
            while not isinstance(event := await self._events.get(), kinds):
                pass
        return event


@asynccontextmanager
async def bench(subject: Subject) -> AsyncIterator[Bench]:
    """Connect, and leave nothing behind. Raises AriError when the websocket does not open."""
    # Not `outring-`: a dialer at work would take what begins so for its own.
    name = f"doctor-{secrets.token_hex(4)}"
    events: asyncio.Queue[Any] = asyncio.Queue()
    settings = subject.settings
    client = AriClient(
        settings.ari_url, settings.ari_user, subject.password, name, sink=events.put_nowait, subscriptions=(),
        event_filter=_EVENTS, pool_limit=2, request_timeout_ms=5_000,
    )  # fmt: skip
    await client.connect(timeout_s=CONNECTS_WITHIN_S)
    made = Bench(client, name, events)
    try:
        yield made
    finally:
        await _clear_away(made)
        await client.close()


async def _clear_away(made: Bench) -> None:
    """Remove bridge and channel, and wait until Asterisk has let go of them.

    An application that leaves with something of its own still in the list stays registered for nobody.
    """
    with suppress(AriError):
        await made.ari.bridges.destroy(bridgeId=made.bridge)
    with suppress(AriError):
        await made.ari.channels.hangup(channelId=made.channel)
    with suppress(AriError, TimeoutError):
        async with asyncio.timeout(ENDS_WITHIN_S):
            application = await made.ari.applications.get(applicationName=made.name)
            while application.channel_ids or application.bridge_ids:
                await asyncio.sleep(0.01)
                application = await made.ari.applications.get(applicationName=made.name)


def websocket_opened() -> Finding:
    """The websocket opened, under a name of the doctor's own."""
    return good(Step.WEBSOCKET, "The events websocket opens (tried under another name: nobody's calls are touched).")


def websocket_closed(subject: Subject, error: AriError) -> Finding:
    """The websocket did not open."""
    return bad(
        Step.WEBSOCKET,
        f"The events websocket does not open: {error.message}.",
        mend="Run: asterisk -rx 'module load res_http_websocket.so' and asterisk -rx 'module load res_ari_events.so'. "
        "Is there a proxy between? It must pass websockets on.",
        place=subject.conf.place("modules.conf", "modules"),
    )


# --- the dialplan ----------------------------------------------------------------------------------------------------


async def dialplan(subject: Subject, at: Bench) -> Finding:
    """Whether answered calls find their context: asked through a channel that leads nowhere."""
    context, conf = subject.settings.ari_context, subject.conf
    try:
        has_context = await _has_extension(at, context, "doctor00", opens_channel=True)
        has_fallback = await _has_extension(at, "outring-fallback", "s")
    except AriError as error:
        return unknown(
            Step.DIALPLAN,
            f"Whether the dialplan has [{context}] cannot be asked ({error.message}).",
            mend=f"See for yourself: asterisk -rx 'dialplan show doctor00@{context}'. To let it be asked: asterisk -rx "
            "'module load chan_rtp.so' and 'module load func_dialplan.so'.",
            place=conf.place("extensions.conf", context),
        )
    if not has_context or (not has_fallback and context == "outring-answered"):
        missing = context if not has_context else "outring-fallback"
        return bad(
            Step.DIALPLAN,
            f"The dialplan has no [{missing}]: people who answer would be hung up on.",
            mend="Write `#include outring/extensions.conf` at the end of the file, then "
            f"{conf.reload('dialplan reload')}",
            place=conf.place("extensions.conf", missing),
        )
    return _wrong_application(subject, context, Step.DIALPLAN, "people would hear the apology") or good(
        Step.DIALPLAN, f"Answered calls find their way: [{context}] is in the dialplan."
    )


async def _has_extension(at: Bench, context: str, extension: str, *, opens_channel: bool = False) -> bool:
    channels = at.ari.channels
    if opens_channel:
        # To the discard port of Asterisk's own machine; and no sound is ever put in.
        await channels.externalMedia(app=at.name, external_host="127.0.0.1:9", format="ulaw", channelId=at.channel)
    found = await channels.getChannelVar(channelId=at.channel, variable=f"DIALPLAN_EXISTS({context},{extension},1)")
    return found.value == "1"


async def phones(subject: Subject, at: Bench) -> Finding:
    """Whether agents' phones find theirs; campaigns without agents do without."""
    conf = subject.conf
    try:
        has_context = await _has_extension(at, PHONE_CONTEXT, "s")
    except AriError as error:
        return unknown(Step.PHONES, f"Whether the dialplan has [{PHONE_CONTEXT}] cannot be asked ({error.message}).")
    if not has_context:
        return unknown(
            Step.PHONES,
            f"The dialplan has no [{PHONE_CONTEXT}]: agents' phones cannot be rung. Campaigns without agents do not "
            "need it.",
            mend="Copy the new asterisk/conf/extensions.conf over your outring/extensions.conf, then "
            f"{conf.reload('dialplan reload')}",
            place=conf.place("extensions.conf", PHONE_CONTEXT),
        )
    wrong = _wrong_application(subject, PHONE_CONTEXT, Step.PHONES, "agents would hear that they are logged off")
    return wrong or good(Step.PHONES, f"Agents' phones find their way: [{PHONE_CONTEXT}] is in the dialplan.")


def _wrong_application(subject: Subject, context: str, step: Step, loss: str) -> Finding | None:
    """Readable only in the file: Stasis() there must name our application."""
    name = subject.settings.ari_app
    for line in subject.conf.lines("extensions.conf", context):
        found = line.value.partition("Stasis(")[2]
        if found and (named := found.split(",")[0].rstrip(")").strip()) != name:
            return bad(
                step,
                f"[{line.section}] hands answered calls to the application {named!r}, but Outring is {name!r}: {loss}.",
                mend=f"Write `Stasis({name},` there, then {subject.conf.reload('dialplan reload')}",
                place=str(line),
            )
    return None


async def apology(subject: Subject, at: Bench) -> Finding:
    """Whether the words people hear when Outring is not there are installed."""
    missing = []
    for sound in APOLOGY:
        try:
            await at.ari.sounds.get(soundId=sound)
        except AriNotFound:
            missing.append(sound)
        except AriError as error:
            return unknown(Step.APOLOGY, f"Whether the sounds of the apology are there is not known: {error.message}.")
    if not missing:
        return good(Step.APOLOGY, "The sounds people hear when Outring is not there are installed.")
    return bad(
        Step.APOLOGY,
        f"Asterisk has no sound {', '.join(missing)}: with Outring down, people who answer would hear silence.",
        mend="Run: apt-get install asterisk-core-sounds-en-wav, then, when no call is up: asterisk -rx "
        "'core restart when convenient'. Or name sounds of your own in [outring-fallback].",
        place=subject.conf.place("extensions.conf", "outring-fallback"),
    )


# --- recordings ------------------------------------------------------------------------------------------------------


async def recordings(subject: Subject, at: Bench) -> Finding:
    """A real recording of a silent bridge, found on disk and removed again."""
    folder = subject.settings.asterisk_recordings_dir
    try:
        await at.ari.bridges.createWithId(bridgeId=at.bridge, type="mixing")
        await at.ari.applications.subscribe(applicationName=at.name, eventSource=f"bridge:{at.bridge}")
        await at.ari.bridges.record(bridgeId=at.bridge, name=at.name, format="wav", ifExists="overwrite")
        # Stopped before it has begun, it would end without a word.
        begun = await at.ending((RecordingStarted, RecordingFailed))
        if isinstance(begun, RecordingFailed):
            return _no_recording(subject, folder)
        await at.ari.recordings.stop(recordingName=at.name)
        ended = await at.ending((RecordingFinished, RecordingFailed))
        is_here = (folder / f"{at.name}.wav").exists()
        await at.ari.recordings.deleteStored(recordingName=at.name)
    except AriServerError:
        return _no_recording(subject, folder)
    except AriUnavailable as error:
        return unknown(Step.RECORDINGS, f"Whether calls can be recorded is not known: {error.message}.")
    except (AriError, TimeoutError) as error:
        return bad(
            Step.RECORDINGS,
            f"A recording was begun and did not end as it should: {error}.",
            mend=f"Is the disk full? `df -h {folder}`. Asterisk's log says more: /var/log/asterisk/messages.log",
            place=str(folder),
        )
    if isinstance(ended, RecordingFailed):
        return _no_recording(subject, folder)
    if subject.is_local and not is_here:
        return bad(
            Step.RECORDINGS,
            f"Asterisk records, but not into {folder}, where Outring would look.",
            mend="Write the folder below `astspooldir` of asterisk.conf: `asterisk_recordings_dir = "
            "\"/var/spool/asterisk/recording\"`; `asterisk -rx 'core show settings'` names it (Spool directory).",
            place=setting("asterisk_recordings_dir"),
        )
    return good(Step.RECORDINGS, "A recording was made, found and removed.")


def _no_recording(subject: Subject, folder: Path) -> Finding:
    if not subject.is_local or not folder.exists():
        what, mend = "the folder is missing", f"install -d -o asterisk -g asterisk {folder}"
    elif shutil.disk_usage(folder).free < 1 << 20:
        what, mend = "the disk is full", f"df -h {folder}"
    else:
        what, mend = "Asterisk may not write there", f"chown asterisk:asterisk {folder}"
    return bad(
        Step.RECORDINGS,
        f"Asterisk cannot write a recording: most likely {what}.",
        mend=f"Run: {mend} (and see /var/log/asterisk/messages.log)",
        place=str(folder),
    )


# --- prompts ---------------------------------------------------------------------------------------------------------


async def prompts(subject: Subject, at: Bench) -> Finding:
    """A short tone is put where prompts go, and played: Asterisk must find, read and understand it."""
    folder = subject.prompts_dir.absolute()
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    path = folder / f"{at.name}.wav"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_tone(path)
    except OSError as error:
        return bad(
            Step.PROMPTS,
            f"Outring cannot write prompts: {error}.",
            mend=f'Run: install -d -o "$(id -un)" {folder}; or choose another `data_dir`.',
            place=setting("data_dir"),
        )
    try:
        return await _played(subject, at, path)
    finally:
        path.unlink(missing_ok=True)
        for empty in made:
            with suppress(OSError):
                empty.rmdir()


async def _played(subject: Subject, at: Bench, path: Path) -> Finding:
    bridges = at.ari.bridges
    try:
        with suppress(AriError):  # it is there already unless recording failed before it
            await bridges.createWithId(bridgeId=at.bridge, type="mixing")
        await at.ari.applications.subscribe(applicationName=at.name, eventSource=f"bridge:{at.bridge}")
        await bridges.playWithId(bridgeId=at.bridge, playbackId=at.name, media=f"sound:{path.with_suffix('')}")
        ended = await at.ending((PlaybackFinished,))
    except (AriUnavailable, TimeoutError) as error:
        return unknown(Step.PROMPTS, f"Whether prompts can be played is not known: {error or 'no word of it came'}.")
    except AriError as error:
        return _unplayable(subject, path, error.message)
    if ended.playback.state == "failed":
        return _unplayable(subject, path, "it reports the playback as failed")
    return good(Step.PROMPTS, f"A prompt in {path.parent} was played.")


def _unplayable(subject: Subject, path: Path, why: str) -> Finding:
    folder = path.parent
    if not subject.is_local:
        mend = "Asterisk is on another machine: `data_dir` must be a shared folder, under the same path on both."
    elif (closed := first_closed(path)) is not None:
        mend = f"Other users, and so Asterisk, may not enter it. Run: chmod o+rx {closed}"
    else:
        mend = (
            "Run: asterisk -rx 'module load format_wav.so'. Can Asterisk's user read it? "
            f"`sudo -u asterisk ls {folder}`. Else choose another `data_dir`, such as /var/lib/outring."
        )
    return bad(
        Step.PROMPTS,
        f"Asterisk cannot play a prompt in {folder}: {why}. People would hear silence.",
        mend=mend,
        place=setting("data_dir"),
    )


def first_closed(path: Path) -> Path | None:
    """The first folder on the way to a file, or the file itself, that other users may not enter or read."""
    for part in (*reversed(path.parents), path):
        wanted = 0o001 if part.is_dir() else 0o004
        if not part.stat().st_mode & wanted:
            return part
    return None


def prompt_format(folder: Path) -> Finding:
    """Whether the wav files among the prompts are what Asterisk plays: others are silent, or at the wrong speed."""
    files = [path for _, path in zip(range(MOST_FILES), _wavs(folder), strict=False)]
    wrong = [(path, what) for path in files if (what := wrong_with(path))]
    if not wrong:
        return good(Step.PROMPT_FORMAT, f"{len(files)} prompts looked at; each is of a kind Asterisk plays.")
    path, what = wrong[0]
    others = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return bad(
        Step.PROMPT_FORMAT,
        f"{path.name}{others} would be silent: it is {what}, and Asterisk plays wav of 8,000 Hz, 16 bit, one channel.",
        mend=f"Upload it to Outring, which converts it; or run: ffmpeg -i {path.name} -ar 8000 -ac 1 -c:a pcm_s16le "
        f"8k-{path.name} && mv 8k-{path.name} {path.name}",
        place=str(path),
    )


def _wavs(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix.lower() == ".wav" and path.is_file())


def wrong_with(path: Path) -> str:
    """What is wrong with a wav file ("48,000 Hz"); empty when Asterisk plays it."""
    try:
        with wave.open(str(path)) as file:
            wrong = [f"{file.getframerate():,} Hz"] if file.getframerate() != RATE_HZ else []
            wrong += ["stereo"] if file.getnchannels() != 1 else []
            wrong += [f"{8 * file.getsampwidth()} bit"] if file.getsampwidth() != 2 else []
    except (wave.Error, EOFError, OSError, struct.error):
        return "not a plain wav file"
    return ", ".join(wrong)


def write_tone(path: Path) -> None:
    """A tenth of a second of 440 Hz, 8 kHz, that other users may read."""
    samples = [round(3_000 * math.sin(2 * math.pi * 440 * n / RATE_HZ)) for n in range(RATE_HZ // 10)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    path.chmod(0o644)
