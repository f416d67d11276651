"""One laboratory for all tests on the real Asterisk. Tests that kill, freeze or reconfigure one start their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from asterisk.lab import Lab
from asterisk.lab.phones import OnRing
from tests.asterisk.shift import Shift, shift


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab() -> AsyncIterator[Lab]:
    """A running laboratory, shared: leave its processes alone."""
    async with Lab() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house() -> AsyncIterator[Lab]:
    """A laboratory with a few phones, for the tests of one file."""
    async with Lab(lines=40, phones=4) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def floor(house: Lab, tmp_path: Path) -> AsyncIterator[Shift]:
    """A dialer in that house, without agents yet."""
    for phone in house.phones.values():
        phone.on_ring = OnRing.ANSWER
    async with shift(house, tmp_path) as running:
        yield running
