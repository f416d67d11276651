"""The table of a call as a page for people: a Mermaid diagram, drawn from the table itself (docs/calls.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.dialing.call import FINAL, TABLE, CallState

_HEAD: Final = """\
# The states of a call

Drawn from the table in `app/dialing/call.py`; what is not drawn comes late and is ignored. An attempt owns one call at
the most. Each arrow bears the name of the event that leads along it (see `app/events.py`).

```mermaid
"""
_FOOT: Final = """\
```

| state | means |
|---|---|
"""
_MEANINGS: Final[dict[CallState, str]] = {
    CallState.PLACING: "asked for; Asterisk has not replied yet",
    CallState.UNKNOWN: "asked for; the reply was lost, so nobody knows whether a phone rings",
    CallState.DIALING: "Asterisk took it; nothing was heard from the far end yet",
    CallState.RINGING: "the far end rings or sends early media",
    CallState.ANSWERED: "answered, and in our hands: the flow runs",
    CallState.LEFT: "handed to the admin's dialplan",
    CallState.REFUSED: "certainly never placed; final",
    CallState.ENDED: "the channel is gone; final",
}


def calls_page() -> str:
    """The whole of docs/calls.md."""
    rows = "".join(f"| {state.value} | {_MEANINGS[state]} |\n" for state in CallState)
    return _HEAD + "\n".join(_diagram()) + "\n" + _FOOT + rows


def _diagram() -> Iterator[str]:
    """Mermaid's lines: one arrow for each pair of states, with all events that lead along it."""
    yield "stateDiagram-v2"
    yield f"    [*] --> {CallState.PLACING.value}"
    arrows: dict[tuple[CallState, CallState], list[str]] = {}
    for (state, event), target in TABLE.items():
        if target is not None:
            arrows.setdefault((state, target), []).append(_words(event.__name__))
    for (state, target), names in arrows.items():
        yield f"    {state.value} --> {target.value}: {', '.join(names)}"
    for state in CallState:
        if state in FINAL:
            yield f"    {state.value} --> [*]"


def _words(event: str) -> str:
    """`CallRinging` → `ringing`."""
    return " ".join(re.findall("[A-Z][a-z]+", event)[1:]).lower()
