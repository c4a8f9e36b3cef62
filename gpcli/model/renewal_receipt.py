"""What asking to renew prescriptions answers with: one result for each of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from gpcli.model.prescription import RenewalId
from gpcli.model.receipt import Sending


@dataclass(frozen=True)
class WhyNot:
    """Why one prescription could not be asked for, in the words of gpcli's errors."""

    code: str
    message: str
    hint: str | None


@dataclass(frozen=True, kw_only=True)
class RenewalResult:
    """How asking to renew one prescription ended.

    `prescription_id` is what was asked for; of one that was replaced, it stays the former's.
    `prescription` is its name and strength. `id`, `status` (R4 TaskStatus, as written), `asked` and
    `answer` are the request's; they are `None` where there is no request. `warning` is what the
    person should know of this prescription. Exactly one of `error` and `status` is there.
    """

    prescription_id: str
    prescription: str | None
    id: RenewalId | None
    status: str | None
    asked: datetime | None
    answer: str | None
    warning: str | None
    error: WhyNot | None
    zone: str


@dataclass(frozen=True, kw_only=True)
class RenewalReceipt(Sending, RenewalResult):
    """A request to renew after (or, in a dry run, before) sending or taking it back.

    `request_id` is the whole command's: repeated with it, each prescription is asked for once.
    """

    @classmethod
    def of(cls, result: RenewalResult, sending: Sending) -> RenewalReceipt:
        """The receipt for `result`."""
        known = {
            field.name: getattr(record, field.name)
            for record in (result, sending)
            for field in fields(record)
        }
        return cls(**known)
