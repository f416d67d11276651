"""The tables of docs/lab.md, made from the tables in the code."""

from asterisk.lab.numbers import BEHAVIOURS, Behaviour, Reported
from asterisk.lab.trunks import TRUNKS


def numbers_table() -> str:
    """One row for each behaviour, as Markdown."""
    head = "| last digits | name | what happens | reply after | SIP | Dial statuses | cause | tech_cause |"
    return "\n".join([head, "|---" * 8 + "|", *map(_row, BEHAVIOURS)])


def trunks_table() -> str:
    """One row for each trunk, as Markdown."""
    head = "| trunk | what it is | Dial statuses | cause | tech_cause |"
    rows = [f"| `{trunk.name}` | {trunk.description} | {_reported(trunk.reported)} |" for trunk in TRUNKS]
    return "\n".join([head, "|---" * 5 + "|", *rows])


def _row(behaviour: Behaviour) -> str:
    digits = behaviour.suffix or "any other"
    after_ms = behaviour.final_reply_ms
    after = "never" if after_ms is None else f"{after_ms / 1_000:g} s"
    sip = behaviour.sip_code if behaviour.replies and behaviour.sip_code is not None else "none"
    return (
        f"| {digits} | {behaviour.name} | {behaviour.description} | {after} | {sip} | {_reported(behaviour.reported)} |"
    )


def _reported(reported: Reported | None) -> str:
    if reported is None:
        return "as the far end decides | | "
    statuses = ", ".join(reported.dial_statuses) or "none"
    return f"{statuses} | {reported.cause} | {reported.tech_cause if reported.tech_cause is not None else 'none'}"
