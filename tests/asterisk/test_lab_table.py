"""The table of numbers and what is made from it; needs no running laboratory."""

from pathlib import Path

import pytest

from asterisk.lab import BEHAVIOURS, behaviour_of
from asterisk.lab.carriers import is_swallowed, refusal
from asterisk.lab.config import refuse_outside_addresses
from asterisk.lab.dialplan import network_dialplan
from asterisk.lab.document import numbers_table, trunks_table
from asterisk.lab.errors import LabError
from asterisk.lab.numbers import DEFAULT, HangUp, Listen, Press, named, timeline

DOCUMENT = Path(__file__).parents[2] / "docs" / "lab.md"


def test_every_pair_of_digits_has_one_meaning() -> None:
    suffixes = [behaviour.suffix for behaviour in BEHAVIOURS]
    assert len(set(suffixes)) == len(suffixes)
    assert len({behaviour.name for behaviour in BEHAVIOURS}) == len(suffixes)
    assert all(suffix == "" or (len(suffix) == 2 and suffix.isdigit()) for suffix in suffixes)


def test_names_can_stand_in_an_address() -> None:
    assert all(behaviour.name.replace("-", "").isalnum() for behaviour in BEHAVIOURS)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("+44 7700 900140", "busy"),
        ("+12025550110", "presses-1"),
        ("8 (800) 555-01-41", "no-answer"),
        ("+79005550145", "not-in-service"),
        ("+447700900199", "person"),
        ("5", "person"),
        ("", "person"),
    ],
)
def test_the_last_two_digits_choose(number: str, name: str) -> None:
    assert behaviour_of(number) is named(name)


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(KeyError, match="busy"):
        named("bussy")


def test_keys_go_down_when_the_table_says() -> None:
    downs = [
        (at + step.lead_ms, step.key) for at, step in timeline(named("wrong-key-then-1")) if isinstance(step, Press)
    ]
    assert downs == [(4_000, "7"), (8_000, "1")]


def test_what_is_answered_has_an_end() -> None:
    for behaviour in BEHAVIOURS:
        if behaviour.is_answered:
            assert isinstance(behaviour.steps[-1], Listen | HangUp)
        else:
            assert behaviour.steps == ()


def test_every_number_the_network_replies_to_is_in_its_dialplan() -> None:
    dialplan = network_dialplan("/recordings")
    for behaviour in BEHAVIOURS:
        assert (f"[network-{behaviour.suffix or 'default'}]" in dialplan) == behaviour.replies
    assert DEFAULT.name in dialplan


def test_the_document_is_in_step_with_the_tables() -> None:
    document = DOCUMENT.read_text()
    assert numbers_table() in document, "docs/lab.md: put in what `python -m asterisk.lab numbers` prints"
    assert trunks_table() in document, "docs/lab.md: put in what `python -m asterisk.lab numbers` prints"


@pytest.mark.parametrize(
    ("line", "is_refused"),
    [
        ("contact = sip:127.0.0.1:5060", False),
        ("contact=sip:user@127.8.9.1:5060\\;lr", False),
        ("match = 127.0.0.1/32", False),
        ("; contact = sip:192.0.2.1", False),
        ("contact = sip:192.0.2.1:5060", True),
        ("contact => sip:provider.example", True),
        ("  Outbound_Proxy = sip:192.0.2.1\\;lr", True),
        ("match = 127.0.0.1,192.0.2.0/24", True),
        ("server_uri = sips:[2001:db8::1]", True),
        ("contact = sip:127.0.0.1@192.0.2.1", True),
        ("contact = sip:127.0.0.1.example.org", True),
    ],
)
def test_addresses_outside_this_machine_are_refused(tmp_path: Path, line: str, is_refused: bool) -> None:
    (tmp_path / "included.conf").write_text(f"[x]\n{line}\n")
    (tmp_path / "pjsip.conf").write_text('#include "included.conf"\n')
    if is_refused:
        with pytest.raises(LabError, match=r"included\.conf, line 2"):
            refuse_outside_addresses(tmp_path / "pjsip.conf")
    else:
        refuse_outside_addresses(tmp_path / "pjsip.conf")


def test_only_invites_to_numbers_without_reply_are_swallowed() -> None:
    assert is_swallowed(b"INVITE sip:+44770090051@127.0.0.1 SIP/2.0\r\n", (b"51",))
    assert not is_swallowed(b"INVITE sip:+44770090051@127.0.0.1 SIP/2.0\r\n", (b"52",))
    assert not is_swallowed(b"BYE sip:+44770090051@127.0.0.1 SIP/2.0\r\n", (b"51",))


def test_refusals_name_the_request_and_ack_gets_none() -> None:
    reply = refusal(
        b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP x\r\nTo: <sip:a@b>\r\nCSeq: 1 OPTIONS\r\nX: y\r\n\r\n"
    )
    assert reply is not None
    assert reply.split(b"\r\n")[:4] == [
        b"SIP/2.0 503 Service Unavailable",
        b"Via: SIP/2.0/UDP x",
        b"To: <sip:a@b>;tag=refused",
        b"CSeq: 1 OPTIONS",
    ]
    assert refusal(b"ACK sip:a@b SIP/2.0\r\n\r\n") is None
    assert refusal(b"SIP/2.0 200 OK\r\n\r\n") is None
    assert refusal(b"\r\n\r\n") is None
