"""The laboratory: a private real Asterisk, and a second one that plays the telephone network. See docs/lab.md."""

from typing import TYPE_CHECKING, Any

from asterisk.lab.errors import LabError
from asterisk.lab.numbers import BEHAVIOURS, Behaviour, behaviour_of

if TYPE_CHECKING:
    from asterisk.lab.lab import Lab

__all__ = ["BEHAVIOURS", "Behaviour", "Lab", "LabError", "behaviour_of"]


def __getattr__(name: str) -> Any:
    # The table of numbers is also read by the simulator; it need not load what starts processes.
    if name == "Lab":
        from asterisk.lab.lab import Lab

        return Lab
    raise AttributeError(name)
