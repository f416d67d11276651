"""The table of an agent as a page for people: a Mermaid diagram, drawn from the table (docs/agents-states.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.agents import AgentState
from app.dialing.agent import TABLE

_HEAD: Final = """\
# The states of an agent

Drawn from the table in `app/dialing/agent.py`; a step that is not drawn is refused, and changes nothing. Each change
of state is written down with its time: the stretches of a session follow each other without gap or overlap, and the
reports are folded from them.

```mermaid
"""
_FOOT: Final = """\
```

| state | means |
|---|---|
"""
_MEANINGS: Final[dict[AgentState, str]] = {
    AgentState.SIGNED_OUT: "not at work",
    AgentState.AVAILABLE: "takes the next person",
    AgentState.RESERVED: "a preview is before them, or a contact was taken from the list for them",
    AgentState.RINGING: "a call for them is on its way: the contact's phone rings, or their own",
    AgentState.TALKING: "with a person, or consulted about one",
    AgentState.ON_HOLD: "the person hears music",
    AgentState.WRAP_UP: "the call is over, its card is not",
    AgentState.PAUSED: "takes no calls, for a reason; a session begins so",
}
_TAIL: Final = """
A pause or sign-out asked for in a call is latched, and taken when the call and its card are over; *ready* takes it
back. An agent whose phone is lost is paused at once, and the person goes to another agent. An agent whose page is lost
gets nobody new, and is paused after a minute; nobody is ever signed out for it. Two wrap-ups in a row that run out
without a touch pause the agent as *away*.
"""


def agent_states_page() -> str:
    """The whole of docs/agents-states.md."""
    rows = "".join(f"| {state.value} | {_MEANINGS[state]} |\n" for state in AgentState)
    return _HEAD + "\n".join(_diagram()) + "\n" + _FOOT + rows + _TAIL


def _diagram() -> Iterator[str]:
    """Mermaid's lines: one arrow for each pair of states, with all steps that lead along it."""
    yield "stateDiagram-v2"
    for state in AgentState:
        if state.value != name(state):
            yield f'    state "{state.value}" as {name(state)}'
    arrows: dict[tuple[AgentState, AgentState], list[str]] = {}
    for (state, step), target in TABLE.items():
        if target is not None:
            arrows.setdefault((state, target), []).append(step.value)
    for (state, target), steps in arrows.items():
        yield f"    {name(state)} --> {name(target)}: {', '.join(steps)}"


def name(state: AgentState) -> str:
    """A state's name as Mermaid takes it."""
    return state.name.lower()
