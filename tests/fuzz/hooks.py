"""How Schemathesis is to ask: of things that are there, and each request under a key of its own."""

from __future__ import annotations

import itertools
import zlib
from typing import Any, Final

import schemathesis

from app.panel.repeats import HEADER

THERE: Final[dict[str, str]] = {
    "attempt_id": "a1b2c3d4e5f6", "code": "drill", "endpoint": "agent-101", "name": "usual", "trunk_id": "way",
    "number": "+447700900199",
}  # fmt: skip
"""What `site.furnish` makes. Whatever is not named here is an id: 1."""
ASKER: Final = 777_000_777
"""The id of who asks and of their key: neither may be shut out on the way."""
_count = itertools.count(1)


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Three times of four a good request is one about something that exists; what was seen to vanish is left alone."""
    places = case.path_parameters or {}
    for name, value in places.items():
        if str(value) == str(ASKER):
            places[name] = "1"
    if case.meta is None or case.meta.generation.mode.value != "positive":
        return
    if case.headers and HEADER in case.headers:
        case.headers[HEADER] = f"{next(_count)}-{case.headers[HEADER]}"[:128]
    if case.meta.phase.name.value == "stateful":
        return
    for name, value in places.items():
        if zlib.crc32(f"{name} {value}".encode(errors="replace")) % 4:
            places[name] = THERE.get(name, "1")


@schemathesis.deserializer("text/csv", "audio/wav")
def _as_it_is(_context: Any, response: Any) -> Any:
    return response.text
