"""What plans are made from: how an errand is decided on, and what is told of its outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from gpcli.care.confirmation import Decision, Proposal
from gpcli.care.message import NOT_IN_PERSON, emergency_notice
from gpcli.care.move import Move
from gpcli.care.read_status import ReadMarkResult
from gpcli.care.renewal_request import RenewalPlan, build_withdrawal_receipt, overall_error
from gpcli.errors import GpcliError
from gpcli.model.appointment import Appointment
from gpcli.model.prescription import Renewal, RenewalReceipt
from gpcli.model.receipt import AppointmentReceipt, ConsentReceipt, MoveReceipt, Receipt
from gpcli.model.service import Consent
from gpcli.model.thread import Conversation, Message, MessageReceipt, ThreadReceipt

Record = TypeVar("Record")
Result_co = TypeVar("Result_co", covariant=True)

Propose = Callable[[UUID, bool], Decision[Record]]
"""Decides for an intent, and told whether an earlier try of it may have been sent."""


@dataclass(frozen=True)
class Errand(Generic[Result_co]):
    """What a plan is made from.

    `command` is its name in the journal: that of the command line's command. `propose` decides on
    it. `build_result` makes of an outcome and its receipt what `Plan.send` returns; `find_error`
    returns why a part failed, told the request id that repeats it, `None` = no part did.
    `find_notices` returns what else to know of the record, `notices` what holds for any.
    """

    command: str
    propose: Propose[Any]
    build_result: Callable[[Any, Receipt], Result_co]
    find_error: Callable[[Any, str], GpcliError | None] = lambda record, request_id: None
    find_notices: Callable[[Any], tuple[str, ...]] = lambda record: ()
    notices: tuple[str, ...] = ()


def find_record(decision: Decision[Record]) -> Record:
    """Return the record as it would be, or is already."""
    return decision.preview if isinstance(decision, Proposal) else decision.record


def build_appointment_errand(
    command: str, propose: Propose[Appointment], emergency: Mapping[str, str] | None = None
) -> Errand[AppointmentReceipt]:
    """Return the errand of a booking, enquiry or cancellation.

    `emergency` are the numbers to call instead of consulting, `None` = it is no consultation.
    """
    notices = (emergency_notice(emergency), NOT_IN_PERSON) if emergency else ()
    return Errand(command, propose, AppointmentReceipt.of, notices=notices)


def build_move_errand(propose: Propose[Move]) -> Errand[MoveReceipt]:
    """Return the errand of moving a visit."""
    return Errand("move", propose, Move.to_receipt, find_error=Move.find_error)


def build_thread_errand(
    command: str, propose: Propose[Conversation], emergency: Mapping[str, str], *more: str
) -> Errand[ThreadReceipt]:
    """Return the errand of a new thread; `more` are notices besides whom to call instead."""
    return Errand(
        command,
        propose,
        lambda conversation, receipt: ThreadReceipt.of(conversation.thread, receipt),
        notices=(emergency_notice(emergency), *more),
    )


def build_reply_errand(propose: Propose[Message]) -> Errand[MessageReceipt]:
    """Return the errand of a reply."""
    return Errand("messages reply", propose, MessageReceipt.of)


def build_read_mark_errand(
    propose: Propose[ReadMarkResult],
) -> Errand[tuple[MessageReceipt, ...]]:
    """Return the errand of marking messages as read."""
    return Errand(
        "messages mark-read",
        propose,
        lambda result, receipt: tuple(MessageReceipt.of(each, receipt) for each in result.messages),
        find_error=lambda result, request_id: result.overall_error,
    )


def build_renewal_errand(
    propose: Propose[RenewalPlan], zone: str
) -> Errand[tuple[RenewalReceipt, ...]]:
    """Return the errand of renewing; `zone` is that of a prescription that is not known."""
    return Errand(
        "rx renew",
        propose,
        lambda plan, receipt: tuple(item.to_receipt(zone, receipt) for item in plan.items),
        find_error=lambda plan, request_id: overall_error(plan.items, request_id),
        find_notices=lambda plan: tuple(skipped.sentence for skipped in plan.skipped),
    )


def build_withdrawal_errand(propose: Propose[Renewal]) -> Errand[RenewalReceipt]:
    """Return the errand of taking back a request to renew."""
    return Errand("rx withdraw", propose, build_withdrawal_receipt)


def build_consent_errand(command: str, propose: Propose[Consent]) -> Errand[ConsentReceipt]:
    """Return the errand of giving or withdrawing consent."""
    return Errand(command, propose, ConsentReceipt.of)
