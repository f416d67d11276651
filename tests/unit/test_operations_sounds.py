"""A campaign whose flow names a sound nobody has is not started; in doubt it is."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.ivr.prompts import PromptStudio
from app.operations import OperationError, Operations
from app.service import has_sound_file
from tests.unit.panel.site import open_site

FLOW = """
name: Sounds
language: en
start: notice
nodes:
  notice:
    type: menu
    sound: {en: welcom, ru: digits/1}
    wrong_key: {sound: oops}
    keys:
      1: notice
"""


def a_sound() -> bytes:
    out = io.BytesIO()
    soundfile.write(out, np.sin(np.arange(8_000) / 3) / 4, 8_000, format="WAV")
    return out.getvalue()


@pytest.mark.parametrize(
    ("uploads", "own", "refused"),
    [
        ((), {"digits/1", "oops"}, "'welcom' (en)"),
        (("welcom",), {"digits/1"}, "'oops' (en)"),
        (("welcom", "oops"), set[str](), "'digits/1' (ru)"),
        (("welcom", "oops"), {"digits/1"}, ""),
        ((), {"digits/1", "oops", "welcom"}, ""),
        ((), None, ""),
    ],
    ids=["a main prompt", "a wrong key's", "another language's", "all there", "all Asterisk's", "Asterisk not reached"],
)
async def test_a_sound_nobody_has_is_refused_at_the_start(
    tmp_path: Path, uploads: tuple[str, ...], own: set[str] | None, refused: str
) -> None:
    async def has_sound(name: str) -> bool | None:
        return None if own is None else name in own

    studio = PromptStudio(tmp_path / "prompts")
    for name in uploads:
        await studio.add_sound(name, a_sound())
    async with open_site(tmp_path) as site:
        operations = Operations(store=site.store, runtime=site.runtime, studio=studio, has_sound=has_sound)
        entry = await site.add_campaign("Winter")
        flow, _ = await operations.save_flow("sounds", FLOW)
        plan = await operations.create_campaign(replace(entry.campaign, name="Spring", flow_id=flow.id), entry.list_ids)
        if not refused:
            assert (await operations.start_campaign(plan.campaign.id)).status.value == "running"
            return
        with pytest.raises(OperationError) as told:
            await operations.start_campaign(plan.campaign.id)
        sentence = str(told.value)
        assert sentence.startswith("campaign 'Spring': ")
        assert refused in sentence
        assert f"outring sound add {refused.split(chr(39))[1]} FILE" in sentence


def test_files_asterisk_plays_without_listing_them_are_found(tmp_path: Path) -> None:
    for place in ("ours.gsm", "ru/fresh.wav", "en_AU/digits/1.g722", "custom/mine.wav"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    for name in ("ours", "fresh", "digits/1", "custom/mine"):
        assert has_sound_file(tmp_path, name)
    for name in ("our", "1", "digits", "mine", "../secret"):
        assert not has_sound_file(tmp_path, name)
    assert not has_sound_file(tmp_path / "nowhere", "ours")
