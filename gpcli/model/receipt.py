"""What a command that sends answers with: the record, and how the sending went."""

from __future__ import annotations

from dataclasses import dataclass, fields

from gpcli.model.appointment import Appointment
from gpcli.model.person import Person
from gpcli.model.service import Consent


@dataclass(frozen=True, kw_only=True)
class AppointmentReceipt(Appointment):
    """A booking, enquiry or cancellation after (or, in a dry run, before) sending.

    `changed` is false when it was so already, and in a dry run. `request_id` is what
    `--request-id` gave, else the identifier that the portal knows this request by.
    """

    changed: bool
    dry_run: bool
    request_id: str
    patient: Person
    acting_user: Person

    @classmethod
    def of(cls, appointment: Appointment, **sending: object) -> AppointmentReceipt:
        """The receipt for `appointment`."""
        return cls(**_values(appointment), **sending)  # type: ignore[arg-type]  # see the fields


@dataclass(frozen=True, kw_only=True)
class ConsentReceipt(Consent):
    """A consent given or withdrawn; the rest as in an AppointmentReceipt."""

    changed: bool
    dry_run: bool
    request_id: str
    patient: Person
    acting_user: Person

    @classmethod
    def of(cls, consent: Consent, **sending: object) -> ConsentReceipt:
        """The receipt for `consent`."""
        return cls(**_values(consent), **sending)  # type: ignore[arg-type]  # see the fields


def _values(record: Appointment | Consent) -> dict[str, object]:
    return {field.name: getattr(record, field.name) for field in fields(record)}
