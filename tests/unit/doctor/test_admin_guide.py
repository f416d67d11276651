"""docs/admin.md says what the program does: its settings and defaults, the doctor's steps, the files to include."""

import re
from pathlib import Path

from pydantic import SecretStr

from app.doctor import Step
from app.doctor.conf import FREEPBX
from app.settings import Settings

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "admin.md").read_text()


def test_every_setting_is_told_with_its_default() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", GUIDE, re.MULTILINE))
    for name, field in Settings.model_fields.items():
        value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        written = ",".join(value) if isinstance(value, tuple | dict) else "" if value is None else str(value)
        assert told[name] == (f"`{written}`" if written else "none"), name


def test_every_step_of_the_doctor_is_told() -> None:
    table = GUIDE.split("## What the doctor looks at")[1].split("## FreePBX")[0]
    assert {step.value for step in Step} - set(re.findall(r"`(\w+)`", table)) == {"freepbx"}


def test_every_file_to_include_exists() -> None:
    names = set(re.findall(r"#include outring/(\S+\.conf)", GUIDE))
    assert {path.name for path in (ROOT / "asterisk" / "conf").glob("*.conf")} == names | {"modules.conf"}


def test_every_link_leads_somewhere() -> None:
    prose = re.sub(r"^```.*?^```", "", GUIDE, flags=re.MULTILINE | re.DOTALL)  # `[1001](template)` is Asterisk's
    for target in re.findall(r"\]\(([^)#]+)\)", prose):
        assert (ROOT / "docs" / target).exists(), target


def test_freepbx_screens_are_the_ones_the_doctor_names() -> None:
    for file, screen in FREEPBX.values():
        assert screen in GUIDE
        assert file in GUIDE or file == "modules.conf"
