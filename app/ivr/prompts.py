"""Prompts as files Asterisk can play: rendered once, kept by content, found again at once.

Under the directory given: `cache/` holds what was rendered, each file named after the hash of its text, language and
voice (or of the uploaded sound); `sounds/` holds uploaded sounds as their owners named them, `sounds/ru/` those for
one language. A name that is not there is one of Asterisk's own sounds and passed through.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

import structlog

from app.commands import RenderPrompts
from app.events import PromptsRendered
from app.ivr.sound import Sound, for_telephone, wav_bytes, wav_length_ms
from app.ivr.speech import EspeakSpeech, Speech, SpeechError
from app.ivr.uploads import MAX_BYTES, SUFFIXES, SoundError, read_sound
from app.model import Audio, Prompt

_VERSION: Final = 1
"""Part of every key: raised when the same text would give another file."""
_RUNNING_AT_ONCE: Final = 2
_UPLOAD_EDGE_MS: Final = 500
KEEP_S: Final = 2 * 3_600
"""What was used so recently is never removed: no call is longer than an hour."""
REST_AFTER: Final = 3
REST_S: Final = 60.0
"""A voice that failed three times in a row is not asked for a minute, so that its timeouts do not add up."""
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64}){0,3}")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?")

_log = structlog.get_logger(__name__)


class PromptStudio:
    """Renders prompts (app.ports.Prompts). providers: voices in order; the next one steps in where one fails."""

    def __init__(
        self,
        directory: Path,
        *,
        providers: Sequence[Speech] = (),
        cache_bytes: int = 2 * 1024**3,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cache = directory.resolve() / "cache"
        self._sounds = directory.resolve() / "sounds"
        self._providers = tuple(providers) or (EspeakSpeech(),)
        self._cache_bytes = cache_bytes
        self._monotonic = monotonic
        self._running: dict[str, asyncio.Task[Audio]] = {}
        self._places = asyncio.Semaphore(_RUNNING_AT_ONCE)
        self._failures: Counter[str] = Counter()
        self._rests_until: dict[str, float] = {}
        self._pinned: dict[str, frozenset[str]] = {}
        self._written_bytes: int | None = None
        self.fallbacks: Counter[str] = Counter()
        """How often another voice stepped in, by `voice: reason`."""
        for folder in (self._cache, self._sounds):
            folder.mkdir(parents=True, exist_ok=True)

    async def render(self, command: RenderPrompts) -> PromptsRendered:
        """Render what is not in the cache; failures are part of the answer."""
        audio, failed = await self.rendered(command.prompts)
        return PromptsRendered(attempt_id=command.attempt_id, audio=audio, failed=failed)

    async def rendered(self, prompts: Iterable[Prompt]) -> tuple[dict[Prompt, Audio], dict[Prompt, str]]:
        """The same, outside of a call: what is playable, and what is not with its reason."""
        wanted = tuple(dict.fromkeys(prompts))
        found = await asyncio.gather(*(self._one(prompt) for prompt in wanted))
        audio = {prompt: one for prompt, one in zip(wanted, found, strict=True) if isinstance(one, Audio)}
        failed = {prompt: one for prompt, one in zip(wanted, found, strict=True) if isinstance(one, str)}
        return audio, failed

    async def pin(self, owner: str, prompts: Collection[Prompt]) -> dict[Prompt, str]:
        """Render and keep prompts (a campaign's static ones) until `unpin`; what could not be made, with its reason."""
        audio, failed = await self.rendered(prompts)
        self._pinned[owner] = frozenset(Path(one.media.removeprefix("sound:")).name for one in audio.values())
        return failed

    def unpin(self, owner: str) -> None:
        """The owner is done; its prompts may be removed when room is needed."""
        self._pinned.pop(owner, None)

    async def add_sound(self, name: str, content: bytes, *, language: str = "") -> Audio:
        """Take an uploaded file, of any usual kind, as a sound of this name. Raises SoundError and changes nothing."""
        if not _NAME.fullmatch(name):
            raise SoundError(name[:80], "not a name for a sound", "use latin letters, digits, `_` and `-`")
        if language and not _LANGUAGE.fullmatch(language):
            raise SoundError(name, f"{language[:20]!r} is not a language", "use a code such as en or ru")
        if len(content) > MAX_BYTES:
            raise SoundError(
                name, f"the file has {len(content) / 2**20:.0f} MB", f"{MAX_BYTES // 2**20} MB are the most"
            )
        return await asyncio.to_thread(self._keep_upload, name, content, language)

    def _keep_upload(self, name: str, content: bytes, language: str) -> Audio:
        with tempfile.NamedTemporaryFile(dir=self._cache, prefix="upload-") as raw:
            raw.write(content)
            raw.flush()
            sound = for_telephone(read_sound(Path(raw.name), name=name), edge_ms=_UPLOAD_EDGE_MS)
        path = self._sounds / language / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, wav_bytes(sound))
        for suffix in SUFFIXES:
            if suffix != ".wav":
                path.with_suffix(suffix).unlink(missing_ok=True)
        return _audio(path, sound.length_ms)

    # --- one prompt --------------------------------------------------------------------------------------------------

    async def _one(self, prompt: Prompt) -> Audio | str:
        """The prompt's audio, or why there is none."""
        try:
            return await (self._sound(prompt) if prompt.sound else self._speech(prompt))
        except (SpeechError, SoundError) as error:
            return str(error)
        except OSError as error:
            reason = f"the prompt cannot be written under {self._cache}: {error.strerror or error}"
            _log.error("prompt not written", reason=reason)
            return reason

    async def _sound(self, prompt: Prompt) -> Audio:
        if not _NAME.fullmatch(prompt.sound):
            raise SoundError(prompt.sound[:80], "not a sound's name", "write its name without folder and extension")
        path = self._uploaded(prompt.sound, prompt.language)
        if path is None:
            return Audio(media=f"sound:{prompt.sound}", length_ms=0)
        status = path.stat()
        key = _key("sound", str(path), status.st_mtime_ns, status.st_size)

        async def read() -> Sound:
            return await asyncio.to_thread(read_sound, path, name=path.name)

        return await self._made(key, read, edge_ms=_UPLOAD_EDGE_MS)

    def is_uploaded(self, name: str, language: str) -> bool:
        """Whether there is an uploaded sound of this name for people who hear this language."""
        return self._uploaded(name, language) is not None

    def uploads(self) -> list[tuple[str, str]]:
        """The uploaded sounds as name and language ("" for one for all), sorted."""
        found: set[tuple[str, str]] = set()
        for path in self._sounds.rglob("*"):
            if path.suffix not in SUFFIXES or path.name.startswith(".") or not path.is_file():
                continue
            first, *rest = path.relative_to(self._sounds).with_suffix("").parts
            found.add(
                ("/".join(rest), first) if rest and _LANGUAGE.fullmatch(first) else ("/".join((first, *rest)), "")
            )
        return sorted(found)

    def _uploaded(self, name: str, language: str) -> Path | None:
        """The uploaded file of this name, the one for the language first."""
        base = language.partition("-")[0]
        folders = [self._sounds / one for one in dict.fromkeys((language, base)) if _LANGUAGE.fullmatch(one)]
        for folder in (*folders, self._sounds):
            for suffix in SUFFIXES:
                path = folder / f"{name}{suffix}"
                if path.is_file():
                    return path
        return None

    async def _speech(self, prompt: Prompt) -> Audio:
        reasons: list[str] = []
        for place, provider in enumerate(self._providers):
            is_last = place == len(self._providers) - 1
            key = _key("speech", provider.name, provider.settings, prompt.language, prompt.text)
            if (known := self._cached(key)) is not None:
                return known
            if not is_last and self._rests_until.get(provider.name, 0.0) > self._monotonic():
                reasons.append(f"{provider.name} rests after failures")
                continue
            speak = _Speaking(provider, prompt)
            try:
                made = await self._made(key, speak)
            except SpeechError as error:
                reasons.append(str(error))
                self._note_failure(provider, str(error), is_last=is_last)
                continue
            self._failures[provider.name] = 0
            return made
        raise SpeechError("; ".join(reasons))

    def _note_failure(self, provider: Speech, reason: str, *, is_last: bool) -> None:
        self._failures[provider.name] += 1
        if self._failures[provider.name] >= REST_AFTER:
            self._failures[provider.name] = 0
            self._rests_until[provider.name] = self._monotonic() + REST_S
        if not is_last:
            if len(self.fallbacks) < 1_000:
                self.fallbacks[f"{provider.name}: {reason}"] += 1
            _log.warning("another voice stepped in", voice=provider.name, reason=reason)

    # --- the cache ---------------------------------------------------------------------------------------------------

    def _path(self, key: str) -> Path:
        return self._cache / key[:2] / f"{key}.wav"

    def _cached(self, key: str) -> Audio | None:
        path = self._path(key)
        length_ms = wav_length_ms(path)
        if length_ms is None:
            return None
        os.utime(path)
        return _audio(path, length_ms)

    async def _made(self, key: str, source: Callable[[], Awaitable[Sound]], *, edge_ms: int | None = None) -> Audio:
        """The file of this key, made at most once however many ask for it at the same time."""
        if (known := self._cached(key)) is not None:
            return known
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._make(key, source, edge_ms))
            task.add_done_callback(lambda _: self._running.pop(key, None))
        return await asyncio.shield(task)

    async def _make(self, key: str, source: Callable[[], Awaitable[Sound]], edge_ms: int | None) -> Audio:
        async with self._places:
            sound = await source()
            return await asyncio.to_thread(self._finish, key, sound, edge_ms)

    def _finish(self, key: str, sound: Sound, edge_ms: int | None) -> Audio:
        ready = for_telephone(sound) if edge_ms is None else for_telephone(sound, edge_ms=edge_ms)
        content = wav_bytes(ready)
        path = self._path(key)
        path.parent.mkdir(exist_ok=True)
        _write(path, content)
        if self._written_bytes is None:
            self._written_bytes = sum(size for _, _, size in self._files())
        else:
            self._written_bytes += len(content)
        if self._written_bytes > self._cache_bytes:
            self._written_bytes = self._trim()
        return _audio(path, ready.length_ms)

    def _files(self) -> list[tuple[float, Path, int]]:
        """Last use, path and size of all cached files."""
        found: list[tuple[float, Path, int]] = []
        for path in self._cache.glob("??/*.wav"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            found.append((status.st_mtime, path, status.st_size))
        return found

    def _trim(self) -> int:
        """Remove the longest unused files down to nine tenths of the limit; what is pinned or in use stays."""
        files = sorted(self._files())
        total = sum(size for _, _, size in files)
        pinned = frozenset[str]().union(*self._pinned.values())
        newest = time.time() - KEEP_S
        for used_at, path, size in files:
            if total <= self._cache_bytes * 9 // 10 or used_at > newest:
                break
            if path.stem not in pinned:
                path.unlink(missing_ok=True)
                total -= size
        if total > self._cache_bytes:
            _log.warning("prompts in use need more than the cache's limit", bytes=total, limit=self._cache_bytes)
        return total


class _Speaking:
    """One text for one voice, to be spoken when its turn comes."""

    def __init__(self, provider: Speech, prompt: Prompt) -> None:
        self._provider, self._prompt = provider, prompt

    async def __call__(self) -> Sound:
        return await self._provider.speak(self._prompt.text, self._prompt.language)


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps([_VERSION, *parts], ensure_ascii=False).encode("utf-8", "replace")).hexdigest()[
        :40
    ]


def _audio(path: Path, length_ms: int) -> Audio:
    return Audio(media=f"sound:{path.with_suffix('')}", length_ms=length_ms)


def _write(path: Path, content: bytes) -> None:
    """All or nothing, and readable by the PBX's own user."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
