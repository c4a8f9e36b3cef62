"""What a command that sends answers with: the record, and how the sending went."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from gpcli.model.appointment import Appointment
from gpcli.model.person import Person
from gpcli.model.service import Consent


@dataclass(frozen=True, kw_only=True)
class Sending:
    """How a sending went.

    `changed` is false when it was so already, and in a dry run. `request_id` is what
    `--request-id` gave, else the identifier that the portal knows this request by.
    `acting_user` is `None` where nobody said who acts.
    """

    changed: bool
    dry_run: bool
    request_id: str
    patient: Person
    acting_user: Person | None


@dataclass(frozen=True, kw_only=True)
class AppointmentReceipt(Sending, Appointment):
    """A booking, enquiry or cancellation after (or, in a dry run, before) sending.

    `changed` is false when it was so already, and in a dry run. `request_id` is what
    `--request-id` gave, else the identifier that the portal knows this request by.
    """

    @classmethod
    def of(cls, appointment: Appointment, sending: Sending) -> AppointmentReceipt:
        """The receipt for `appointment`."""
        return cls(**_values(appointment), **_values(sending))


@dataclass(frozen=True, kw_only=True)
class ConsentReceipt(Sending, Consent):
    """A consent given or withdrawn; the rest as in an AppointmentReceipt."""

    @classmethod
    def of(cls, consent: Consent, sending: Sending) -> ConsentReceipt:
        """The receipt for `consent`."""
        return cls(**_values(consent), **_values(sending))


def _values(record: Appointment | Consent | Sending) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}
