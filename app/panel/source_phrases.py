"""What is said about sources in pages, to be translated; see app.panel.phrases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

COUNTS: Final[Mapping[str, str]] = {
    "rows": "rows read",
    "imported": "new contacts",
    "duplicates": "known already",
    "updated": "brought up to date",
    "unchanged": "as they were",
    "rejected": "rows rejected",
    "do_not_call": "of them on a do-not-call list",
    "kept_invalid": "kept with a flaw",
    "results": "results written back",
    "edits": "edits written back",
    "conflicts": "conflicts met",
    "removed": "gone there, and here",
}
"""What a run counts, in words."""
FIXED: Final = (
    *COUNTS.values(),
    "held",
    "in order",
    "unreachable",
    "choose one of the two values",
    "this conflict is settled already: ours was taken",
    "this conflict is settled already: theirs was taken",
    "ran source",
    "settled conflict",
    "the row is gone",
    "its address in the settings is none; write it as in postgresql://user:password@127.0.0.1/crm",
)
MADE: Final = (
    "there is no database {name} in the settings; add it under [databases] in outring.toml",
    "there is no table or view {name}, or nothing of it may be seen",
    "its driver is not installed ({name}); pip install it beside Outring",
)
