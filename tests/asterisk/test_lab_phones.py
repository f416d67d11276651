"""The laboratory's phones themselves: registered, steered or let alone, on loopback, gone without a trace."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psutil
import pytest
import pytest_asyncio

from app.agent_commands import ConnectPhone, HangUpPhone, OpenRoom, RingPhone
from app.agent_events import PhoneAnswered, PhoneEnded, PhoneJoined
from app.units import LegId, RoomId
from asterisk.lab import Lab, LabError
from asterisk.lab.baresip import find_baresip
from asterisk.lab.phone_config import BARESIP, ECHO
from asterisk.lab.phones import OnRing
from tests.asterisk.floor import PERSON_HZ, Floor
from tests.asterisk.tellers import heard
from tests.asterisk.tones import heard_ms

EPHEMERAL = 32_768
pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def phones_lab() -> AsyncIterator[Lab]:
    """A laboratory with three phones."""
    async with Lab(lines=10, phones=3) as lab:
        yield lab


def ring(leg_id: str, endpoint: str) -> RingPhone:
    return RingPhone(
        leg_id=LegId(leg_id),
        endpoint=endpoint,
        shown_name="Lab",
        shown_number="",
        ring_timeout_ms=5_000,
        lease_ms=60_000,
        has_auto_answer=True,
    )


async def test_they_are_named_and_registered_when_the_laboratory_is_up(phones_lab: Lab) -> None:
    assert phones_lab.phones.names == ("1001", "1002", "1003")
    contacts = await phones_lab.pbx.cli("pjsip show contacts")
    assert all(
        f"{name}/sip:{name}@127.0.0.1:{phones_lab.phones.server.sip_port}" in contacts for name in ("1001", "1003")
    )


async def test_all_of_it_is_on_loopback(phones_lab: Lab) -> None:
    process = psutil.Process(phones_lab.phones.server.pid)
    open_ports = [connection.laddr for connection in process.net_connections("inet") if connection.laddr]
    ours = {address.ip for address in open_ports if address.port < EPHEMERAL}
    assert ours == {"127.0.0.1"}, "the two others are the asking ends of its name resolver"


async def test_what_no_phone_is_in_cannot_be_asked_of_it(phones_lab: Lab) -> None:
    with pytest.raises(LabError, match="1001 is in no call"):
        await phones_lab.phones["1001"].hang_up()


async def test_a_phone_of_another_make_registers_answers_and_echoes(phones_lab: Lab) -> None:
    """SIPp's SIP and sound beside Asterisk's own: what the person says comes back to them over the agent's phone."""
    await phones_lab.start_echo_phone()
    leg, room = LegId("echophone001-p1"), RoomId("echophone001-room")
    async with Floor(phones_lab, "echo", []) as floor:
        floor.do(OpenRoom(leg_id=leg, room_id=room), ring(leg, ECHO))
        await floor.until(PhoneAnswered, lambda event: event.leg_id == leg)
        floor.do(ConnectPhone(leg_id=leg, room_id=room))
        await floor.until(PhoneJoined)
        person = await floor.person()
        await floor.connect(person, room)
        await person.speak(PERSON_HZ)
        (at_person,) = await heard(1.5, person)
        assert heard_ms(at_person, PERSON_HZ) >= 1_000
        floor.do(HangUpPhone(leg_id=leg))
        await floor.until(PhoneEnded, lambda event: event.leg_id == leg)


async def test_let_alone_they_answer_at_once_and_are_not_taken_for_dead() -> None:
    async with Lab(lines=10, phones=2) as lab:
        for phone in lab.phones.values():
            phone.on_ring = OnRing.RING
        await lab.phones.let_go()
        async with Floor(lab, "alone", []) as floor:
            floor.do(ring("alone0000001-p1", "1001"), ring("alone0000002-p1", "1002"))
            for name in ("alone0000001-p1", "alone0000002-p1"):
                await floor.until(PhoneAnswered, lambda event, name=name: event.leg_id == name)  # type: ignore[misc]
            person = await floor.person()
            await heard(3.5, person)
            assert not [event for event in floor.told if isinstance(event, PhoneEnded)]


async def test_nothing_is_left_of_them() -> None:
    async with Lab(lines=10, phones=1) as lab:
        pid, directory = lab.phones.server.pid, lab.directory
        echo = await lab.start_echo_phone()
        assert echo.name == ECHO
        if find_baresip() is not None:
            assert (await lab.start_baresip()).name in BARESIP
    assert not psutil.pid_exists(pid)
    assert not directory.exists()
    ours = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    assert not [child for child in ours if str(directory) in " ".join(child.cmdline())]
