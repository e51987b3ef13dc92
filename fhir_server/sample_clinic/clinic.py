"""What a clinic is called and when it works: ids, seats, and the days of its calendar.

A patient's number alone says where and when he or she is seen: the branch, the practitioner, the
weekday and the time of day (the seat). Two patients never share a seat, so nobody is booked twice,
however many patients there are, and the first patients stay the same when more are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from fhir_server.sample_clinic.tables import load_tables

if TYPE_CHECKING:
    from fhir_server.sample_clinic.tables import Branch

PRACTITIONERS = 3
WORKDAYS = 5
TIMES = tuple(time(h, m) for h in (9, 10, 11, 13, 14, 15, 16) for m in (0, 30))
FREE_TIMES = (time(8, 30), time(17, 0))
SEATS = PRACTITIONERS * len(TIMES) * WORKDAYS
"""Patients a branch can take on before it hires its next round of practitioners."""


@dataclass(frozen=True, slots=True)
class Clinic:
    """A clinic of one seed, seen on the day `start`: what is before it has happened."""

    seed: int
    start: date

    @property
    def prefix(self) -> str:
        """What every id of this clinic begins with."""
        return f"c{self.seed}"

    def branch_id(self, branch: Branch) -> str:
        """Return the id of the branch's Organization and Location."""
        return f"{self.prefix}-{branch.key}"

    def practitioner_id(self, branch: Branch, turn: int, number: int) -> str:
        """Return the id of a practitioner, her role and her schedule."""
        return f"{self.prefix}-{branch.key}-{turn + 1}{'abc'[number]}"

    def patient_id(self, number: int) -> str:
        """Return the id of a patient; padded, so that ids sort as numbers do."""
        return f"{self.prefix}-p{number:07d}"


@dataclass(frozen=True, slots=True)
class Seat:
    """Where and when one patient is always seen. `turn` is the branch's round of practitioners."""

    branch: Branch
    turn: int
    practitioner: int
    weekday: int
    at: time

    def days_before(self, day: date, back: int) -> date:
        """Return the seat's weekday `back` weeks before the last one on or before `day`."""
        return day - timedelta(days=(day.weekday() - self.weekday) % 7 + 7 * back)

    def day_after(self, day: date, weeks: int) -> date:
        """Return the seat's weekday `weeks` weeks after the first one after `day`."""
        return day + timedelta(days=(self.weekday - day.weekday() - 1) % 7 + 1 + 7 * weeks)

    def moment(self, day: date) -> datetime:
        """Return the seat's time on that day, in the branch's zone."""
        return datetime.combine(day, self.at, self.branch.zone)


def seat_of(number: int) -> Seat:
    """Return the seat of the patient with this number."""
    branches = load_tables().branches
    local = number // len(branches)
    turn, place = divmod(local, SEATS)
    place, practitioner = divmod(place, PRACTITIONERS)
    weekday, at = divmod(place, len(TIMES))
    return Seat(branches[number * 7 % len(branches)], turn, practitioner, (weekday + number) % WORKDAYS, TIMES[at])


def patients_a_turn() -> int:
    """Return how many patients all branches together take on with one round of practitioners."""
    return SEATS * len(load_tables().branches)
