"""A request to renew prescriptions: what is asked for, its plan, and what came of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, cast
from uuid import UUID

from gpcli.care.confirmation import Asker, Charge
from gpcli.care.portal_protocol import Portal
from gpcli.errors import GpcliError, InvalidUsage, OutcomeUnknown, Partial
from gpcli.model.person import Parties
from gpcli.model.prescription import (
    Prescription,
    Renewal,
    RenewalError,
    RenewalOutcome,
    RenewalResult,
)
from gpcli.model.receipt import PlanValue
from gpcli.model.service import Price, Service


@dataclass(frozen=True)
class RenewalRequest:
    """What the person asks for.

    `ids` `None` = none were named; empty = a list that named none. `intent` identifies this
    request at the portal; `repeated` says that it was given by `--request-id`, so that an earlier
    try may have been done already. `capped` tells that `--accept-fee` limits the price, which is
    otherwise only shown.
    """

    intent: UUID
    repeated: bool
    ids: tuple[str, ...] | None = None
    low: bool = False
    note: str | None = None
    gp: str | None = None
    capped: bool = False


class MultiChooser(Asker, Protocol):
    """An asker that can ask for several things at once."""

    def choose_several(
        self, question: str, choices: Sequence[tuple[str, str]], *, flag: str
    ) -> list[str]:
        """At least one of `choices` (id, label) by id; raises InputNeeded naming `flag`."""


@dataclass(frozen=True)
class RenewalContext:
    """Where renewals are asked for: the portal, the clock, and who can be asked.

    `label` words a prescription for the list to pick from.
    """

    portal: Portal
    clock: Callable[[], datetime]
    asker: MultiChooser
    label: Callable[[Prescription], str]


@dataclass(frozen=True)
class RenewalItem:
    """One prescription on its way through a renewal.

    `id` is what was asked for, `prescription` the newest of its chain. As long as it has neither a
    `renewal` nor an `error`, it is still to be asked for. `warnings` are what to know of it before
    that.
    """

    id: str
    prescription: Prescription | None = None
    renewal: Renewal | None = None
    changed: bool = False
    error: GpcliError | None = None
    warnings: tuple[str, ...] = ()

    @property
    def is_due(self) -> bool:
        """Whether it is still to be asked for."""
        return self.renewal is None and self.error is None

    @property
    def label(self) -> str:
        """What the person knows it by."""
        return self.prescription.label if self.prescription else self.id

    @property
    def _name(self) -> str | None:
        if self.prescription:
            return self.prescription.label
        return self.renewal.prescription if self.renewal else None

    def with_outcome(self, outcome: RenewalOutcome) -> RenewalItem:
        """The same once it was asked for."""
        error = cast("GpcliError | None", outcome.error)
        return replace(self, renewal=outcome.renewal, changed=outcome.changed, error=error)

    def to_result(self, zone: str) -> RenewalResult:
        """What scripts and tables get; `zone` where the record names none."""
        renewal, error = self.renewal, self.error
        return RenewalResult(
            prescription_id=self.id,
            prescription=self._name,
            id=renewal.id if renewal else None,
            status=renewal.status if renewal else None,
            asked=renewal.asked if renewal else None,
            answer=renewal.answer if renewal else None,
            warning=" ".join(self.warnings) or None,
            error=RenewalError(error.code, error.message, error.hint or None) if error else None,
            zone=self.prescription.zone if self.prescription else zone,
        )


@dataclass(frozen=True)
class SkippedPrescription:
    """What `--low` leaves out although it runs out; `why` as the end of a sentence."""

    prescription: Prescription
    why: str

    @property
    def sentence(self) -> str:
        """The whole sentence."""
        prescription = self.prescription
        return f"{prescription.label} ({prescription.id}) runs out but is left out: {self.why}"


@dataclass(frozen=True)
class RenewalPlan:
    """All lines of one renewal, and what `--low` left out."""

    items: tuple[RenewalItem, ...]
    skipped: tuple[SkippedPrescription, ...] = ()


PlanRows = tuple[tuple[str, PlanValue], ...]

ServicesByGp = Mapping[str, Service]
"""Where renewal stands at each of the patient's GPs, by the GP's id."""


def find_service(item: RenewalItem, services: ServicesByGp) -> Service | None:
    """Where renewal stands at the prescriber, if that is one of the patient's GPs."""
    surgery = item.prescription.surgery_id if item.prescription else None
    return services.get(surgery or "")


def plan_rows(
    plan: RenewalPlan,
    services: ServicesByGp,
    asked: Sequence[Service],
    parties: Parties,
    note: str | None,
    price: Price | None,
) -> PlanRows:
    """The plan's rows; `asked` is where renewal stands at those who are asked."""
    due = [item for item in plan.items if item.is_due]
    by = parties.on_behalf_by.name if parties.on_behalf_by else None
    return (
        *_prescription_rows(due, services),
        *(("Asked for already", item.label) for item in plan.items if item.renewal),
        ("For", parties.patient.name),
        ("By", by),
        ("Note", note),
        *(("Answer", service.answer_time) for service in asked),
        *_price_rows(price, len(due)),
    )


def plan_warnings(plan: RenewalPlan) -> Iterator[str]:
    """What to know before agreeing, each with what it is about."""
    for item in plan.items:
        if item.error:
            yield f"{item.id} can't be asked for: {item.error.message}"
        for warning in item.warnings:
            yield f"{item.label}: {warning}"


def build_charge(price: Price | None, count: int, *, capped: bool) -> Charge | None:
    """What must be agreed to: every request is one; `None` where the price is only shown.

    That is so where the portal does not charge for sending, unless the person set a cap.
    """
    if not capped and not (price and price.at_sending):
        return None
    what = "Asking for this" if count == 1 else f"Asking for {count} prescriptions"
    return Charge(what, _multiply(price, count) if price else None)


def check_note(note: str | None, asked: Sequence[Service]) -> None:
    """Raise Usage for a note that is longer than one of those asked takes."""
    limits = [service.offer.limits.text for service in asked if service.offer and service.offer.limits.text]
    most = min(limits, default=None)
    if note is not None and most is not None and len(note) > most:
        raise InvalidUsage(
            f"--note has {len(note)} characters; the surgery takes {most}.",
            hint="Make it shorter.",
        )


def preview_item(item: RenewalItem, request: RenewalRequest) -> RenewalItem:
    """The line as a dry run shows it: a request that has no id yet."""
    prescription = item.prescription
    if prescription is None or not item.is_due:
        return item
    renewal = Renewal(
        id=None,
        status="requested",
        prescription_id=prescription.id,
        prescription=prescription.label,
        asked=None,
        updated=None,
        note=request.note,
        answer=None,
        zone=prescription.zone,
    )
    return replace(item, renewal=renewal)


def _prescription_rows(due: Sequence[RenewalItem], services: ServicesByGp) -> Iterator[tuple[str, PlanValue]]:
    """The prescriptions under the GP that each goes to."""
    by_gp: dict[str | None, list[RenewalItem]] = {}
    for item in due:
        service = find_service(item, services)
        prescriber = item.prescription.prescriber if item.prescription else None
        by_gp.setdefault(service.surgery.label if service else prescriber, []).append(item)
    for gp, items in by_gp.items():
        yield "To", gp
        for item in items:
            yield "Prescription", f"{item.label} ({item.id}){_remaining_text(item.prescription)}"


def _remaining_text(prescription: Prescription | None) -> str:
    """What is left, as the end of a row; nothing where nobody knows."""
    if prescription is None or prescription.remaining is None or prescription.expired:
        return ""
    return f", {prescription.remaining.fills or 'none'} left"


def _price_rows(price: Price | None, count: int) -> PlanRows:
    if price is None or count == 1 or price.high == 0:
        return (("Price", price),)
    return (("Price each", price), ("Price in all", _multiply(price, count)))


def _multiply(price: Price, count: int) -> Price:
    """What `count` requests cost together; the rates are those of one."""
    rates = price.rates if count == 1 else ()
    return replace(price, low=price.low * count, high=price.high * count, rates=rates)


ERRORS_AFTER_RESULTS = (Partial, OutcomeUnknown)
"""The errors that end a command which has shown its results all the same."""

NOT_ASKED = "not asked for"

_REQUESTS = "gpcli rx requests shows what is there."
_RESULT_WORDS = {
    "completed": "renewed",
    "rejected": "refused",
    "failed": "failed",
    "cancelled": "withdrawn",
}


def overall_error(items: Sequence[RenewalItem], request_id: str) -> GpcliError | None:
    """What the results come to: nothing wrong, or the error that the command ends with.

    A refusal by the surgery is an answer, and no error. Where all failed in the same way, that; an
    unknown outcome beats everything else. `request_id` is what makes a repetition safe.
    """
    failed = [(item.id, item.error) for item in items if item.error]
    if not failed:
        return None
    unknown = [(name, error) for name, error in failed if isinstance(error, OutcomeUnknown)]
    if unknown:
        hint = unknown[0][1].hint
        return OutcomeUnknown(_format_errors(unknown), hint=hint, request_id=request_id)
    if len(failed) < len(items) or len({error.exit for _, error in failed}) > 1:
        return Partial(f"{_format_counts(items)}. {_format_errors(failed)}", hint=_REQUESTS)
    return _merge_errors(failed)


def format_result(item: RenewalItem) -> str:
    """How one line ended, in a word or a few: `asked for`, `refused`, `renewed before`."""
    if item.renewal is None:
        return NOT_ASKED
    if item.renewal.id is None:
        return "not sent"
    words = _RESULT_WORDS.get(item.renewal.status, "asked for")
    return words if item.changed else f"{words} before"


def _format_counts(items: Sequence[RenewalItem]) -> str:
    """How many ended in which way: what is new, what was there before, what failed."""
    in_order = sorted(items, key=lambda item: (item.error is not None, not item.changed))
    counted = Counter(format_result(item) for item in in_order)
    return ", ".join(f"{count} {words}" for words, count in counted.items())


def _merge_errors(failed: Sequence[tuple[str, GpcliError]]) -> GpcliError:
    _, first = failed[0]
    if len(failed) == 1:
        return first
    hints = dict.fromkeys(error.hint for _, error in failed if error.hint)
    waits = [error.retry_after for _, error in failed if error.retry_after is not None]
    kind, message = type(first), _format_errors(failed)
    together = kind.__new__(kind, message)  # kinds differ in what they are made of
    longest = max(waits, default=None)
    vars(together).update(vars(first), message=message, retry_after=longest)
    together.replace_hint("\n".join(hints))
    return together


def _format_errors(failed: Sequence[tuple[str, GpcliError]]) -> str:
    """What went wrong with each, named by id: error messages hold no health data."""
    return " ".join(f"{name}: {error.message}" for name, error in failed)
