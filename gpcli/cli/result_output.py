"""What commands share on their results: what was left out, the receipt, what happens next."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from gpcli.app_context import AppContext
from gpcli.care.confirmation import Decision, Outcome, Proposal
from gpcli.care.portal_protocol import Portal
from gpcli.errors import Partial
from gpcli.model.appointment import Appointment
from gpcli.model.receipt import AppointmentReceipt, ConsentReceipt, PlanName, Receipt
from gpcli.model.service import Consent
from gpcli.render.phrasing import Phrasing
from gpcli.render.times import TimeFormat
from gpcli.render.views.appointment_views import RECEIPT, format_appointment_time
from gpcli.render.views.service_views import CONSENT_RECEIPT
from gpcli.render.views.wording import format_price

_DRY_RUN_NOTICE = "Nothing was sent: this was a dry run."
UNCHANGED_NOTICE = "It was so already; nothing was sent."

REPEATED_NOTICE = "It was sent before; nothing was sent now."
"""The notice for a repeat of a request that was sent before."""


def require_complete(
    context: AppContext, portal: Portal | None = None, *, is_empty: bool = False
) -> None:
    """Raise Partial when records had to be left out; warn of each. Else, say what is empty.

    `portal` is the one that was asked last, `None` = the one of the context.
    """
    portal = portal or context.portal
    flaws = dict.fromkeys(portal.flaws)
    if is_empty and not flaws:
        context.output.notice("There are none.")
    context.output.warnings([*portal.remarks, *(f"Left out: {flaw}" for flaw in flaws)])
    if flaws:
        raise Partial(
            "This is not all: what the portal sent broken or kept back is left out.",
            hint="Tell the people who run the portal.",
        )


def show_appointment(
    context: AppContext,
    outcome: Outcome[Appointment],
    intent: UUID,
    cancelling: Decision[Appointment] | None = None,
    *,
    is_answer: bool = False,
) -> None:
    """Show the receipt of a booking, enquiry or cancellation, and what happens next.

    `cancelling` is what was decided on a cancellation, whose fee is said. `is_answer`: it is shown
    as it is after the surgery's answer was waited for.
    """
    receipt = AppointmentReceipt.of(outcome.record, build_receipt(context, outcome, intent))
    sentence = format_next_step(receipt, context.output.time_format, is_declined=is_answer)
    if cancelling and receipt.changed:
        sentence += format_late_fee(cancelling, context.output.phrasing)
    context.output.show_receipt(RECEIPT, receipt, sentence)
    for remark in context.portal.remarks:
        context.output.warning(remark)


def show_consent(context: AppContext, outcome: Outcome[Consent], intent: UUID) -> None:
    """Show the receipt of a consent that was given or withdrawn."""
    receipt = ConsentReceipt.of(outcome.record, build_receipt(context, outcome, intent))
    context.output.show_receipt(CONSENT_RECEIPT, receipt, _format_consent(receipt))


def format_dry_run(plan: PlanName | None) -> str:
    """Format that nothing was sent, and what sends just that which the plan showed, if anything."""
    if plan is None:
        return _DRY_RUN_NOTICE
    return (
        f"{_DRY_RUN_NOTICE} --confirm {plan.id} in place of --dry-run sends exactly this, "
        f"until {plan.until:%H:%M}."
    )


def _format_consent(receipt: ConsentReceipt) -> str:
    """Format what the consent is now, in the portal's words."""
    if receipt.dry_run:
        return format_dry_run(receipt.plan)
    before = "" if receipt.changed else f"{UNCHANGED_NOTICE} "
    return f"{before}Your consent to {receipt.level} is {receipt.status}."


def format_next_step(
    receipt: AppointmentReceipt, time_format: TimeFormat, *, is_declined: bool = False
) -> str:
    """Format what has happened and what comes next; it says "booked" only where the portal does.

    `is_declined`: one that is cancelled was so by the surgery.
    """
    if receipt.dry_run:
        return format_dry_run(receipt.plan)
    when = format_appointment_time(receipt, time_format)
    what = f": {when}" if when else ""
    if receipt.status == "cancelled":
        before = "" if receipt.changed else f"{UNCHANGED_NOTICE} "
        if is_declined:
            answer = f": {receipt.answer}" if receipt.answer else ""
            return end_sentence(f"{before}Declined by the surgery{answer}")
        return f"{before}Cancelled{what} ({receipt.id})."
    before = "" if receipt.changed else f"{REPEATED_NOTICE} "
    follow = f"gpcli appointments show {receipt.id}"
    if receipt.is_waiting:
        sent = f"Sent{what}" if receipt.changed else f"{before}It is sent{what}"
        return f"{sent}. The surgery has not confirmed it yet: {follow} tells when it has."
    if receipt.status == "booked":
        until = time_format.time(receipt.cancel_until, receipt.zone)
        free = f" It is free to cancel until {until}: gpcli cancel {receipt.id}" if until else ""
        return f"{before}Booked{what}.{free or f' {follow} shows it.'}"
    return f"{before}The portal says: {receipt.status}{what}. {follow} shows it."


def format_late_fee(decision: Decision[Any], phrasing: Phrasing) -> str:
    """Format a sentence, after a space, on what cancelling costs; empty where no sum is known."""
    charge = decision.charge if isinstance(decision, Proposal) else None
    if charge is None or charge.price is None or charge.is_free:
        return ""
    price = format_price(charge.price, phrasing)
    charges = f"charges {price}" if charge.is_certain else f"may charge up to {price}"
    return f" The surgery {charges} for cancelling late."


def build_receipt(context: AppContext, outcome: Outcome[Any], intent: UUID) -> Receipt:
    """Return the receipt of a write: for whom, by whom, with which request id."""
    request_id = context.options.request_id or str(intent)
    return outcome.to_receipt(context.portal.fetch_parties(), request_id)


def end_sentence(text: str) -> str:
    """Return `text` with a full stop, unless it ends a sentence already."""
    stripped = text.rstrip()
    return stripped if stripped.endswith((".", "!", "?", "…")) else f"{stripped}."
