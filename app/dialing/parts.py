"""The parts of the floor, each with those it needs: one for every kind of thing that happens there."""

from __future__ import annotations

from app.dialing.crew import Crew
from app.dialing.farewell import Farewells
from app.dialing.leaving import Leaving
from app.dialing.losses import Losses
from app.dialing.recording import Recordings
from app.dialing.reservation import Reservations
from app.dialing.resume import Resuming
from app.dialing.supervision import Supervision
from app.dialing.talk import Talk
from app.dialing.transfer import Transfers
from app.dialing.unattended import Unattended


class Parts:
    """All of them, on one set of books."""

    __slots__ = (
        "crew", "farewells", "leaving", "losses", "recordings", "reservations", "resuming", "supervision",
        "talk", "transfers", "unattended",
    )  # fmt: skip

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.leaving = Leaving(crew)
        self.unattended = Unattended(crew)
        self.reservations = Reservations(crew, self.leaving, self.unattended)
        self.recordings = Recordings(crew)
        self.talk = Talk(crew, self.leaving, self.reservations, self.recordings)
        self.transfers = Transfers(crew, self.leaving, self.recordings, self.talk)
        self.losses = Losses(crew, self.leaving, self.reservations, self.recordings, self.talk, self.transfers)
        self.farewells = Farewells(crew)
        self.supervision = Supervision(crew)
        self.resuming = Resuming(
            crew,
            self.leaving,
            self.losses,
            self.reservations,
            self.unattended,
            self.recordings,
            self.talk,
            self.transfers,
            self.farewells,
            self.supervision,
        )
