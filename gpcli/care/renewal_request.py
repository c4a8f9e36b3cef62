"""A request to renew prescriptions: its items, its plan, and the result of each item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, cast
from uuid import UUID

from gpcli.care.confirmation import Asker, PlanRows
from gpcli.care.portal_protocol import Portal
from gpcli.errors import GpcliError, InvalidUsage, OutcomeUnknown, Partial
from gpcli.model.person import Parties
from gpcli.model.prescription import (
    REFUSED,
    Prescription,
    Renewal,
    RenewalOutcome,
    RenewalReceipt,
    RenewalResult,
    WhyNot,
)
from gpcli.model.receipt import PlanValue, Receipt
from gpcli.model.service import Charge, Price, Service


@dataclass(frozen=True)
class RenewalRequest:
    """What the person asks for.

    `ids` `None` = none were named; empty = the list that was given is empty. `low` asks for all
    that run out. `intent` identifies this request at the portal; `repeated` tells that it was given
    by `--request-id`, so that an earlier try may have been sent. `named` are those of `ids` that
    may be the beginning of an id, or words of a medicine's name.
    """

    intent: UUID
    repeated: bool
    ids: tuple[str, ...] | None = None
    low: bool = False
    note: str | None = None
    gp: str | None = None
    named: frozenset[str] = frozenset()


class MultiChooser(Asker, Protocol):
    """An Asker that can let the person choose several things at once."""

    def choose_several(
        self,
        question: str,
        choices: Sequence[tuple[str, str]],
        *,
        flag: str,
        default: str | None = None,
    ) -> list[str]:
        """Let the person choose at least one of `choices` (id, label); return their ids.

        `default` is as of `choose`.
        Raises: InputNeeded, naming `flag`; Declined.
        """


@dataclass(frozen=True)
class RenewalContext:
    """What renewing needs: the portal, the clock, and whom to ask.

    `label` words a prescription for the list to choose from. `note_meant` is told what somebody
    has written in place of ids, and the ids that it stands for.
    """

    portal: Portal
    clock: Callable[[], datetime]
    asker: MultiChooser
    label: Callable[[Prescription], str]
    note_meant: Callable[[str, Sequence[str]], None] = lambda text, ids: None


@dataclass(frozen=True)
class RenewalItem:
    """One prescription of a request to renew.

    `id` is the one that was asked for, `prescription` the newest of its chain (`None` = it is not
    among the prescriptions). While it has neither a `renewal` nor an `error`, it is still to be
    sent. `warnings` are what the person should know before that.
    """

    id: str
    prescription: Prescription | None = None
    renewal: Renewal | None = None
    changed: bool = False
    error: GpcliError | None = None
    warnings: tuple[str, ...] = ()

    @property
    def is_due(self) -> bool:
        """Whether it is still to be sent."""
        return self.renewal is None and self.error is None

    @property
    def is_refused(self) -> bool:
        """Whether the surgery has refused it."""
        return self.renewal is not None and self.renewal.status in REFUSED

    @property
    def label(self) -> str:
        """The name and strength, or the id where the prescription is unknown."""
        return self.prescription.label if self.prescription else self.id

    @property
    def _result_name(self) -> str | None:
        if self.prescription:
            return self.prescription.label
        return self.renewal.prescription if self.renewal else None

    def with_outcome(self, outcome: RenewalOutcome) -> RenewalItem:
        """Return the item with the outcome of sending it."""
        error = cast("GpcliError | None", outcome.error)
        return replace(self, renewal=outcome.renewal, changed=outcome.changed, error=error)

    def to_result(self, zone: str) -> RenewalResult:
        """Return the record for scripts and tables; `zone` is used for an unknown prescription."""
        renewal, error = self.renewal, self.error
        return RenewalResult(
            prescription_id=self.id,
            prescription=self._result_name,
            id=renewal.id if renewal else None,
            status=renewal.status if renewal else None,
            asked=renewal.asked if renewal else None,
            answer=renewal.answer if renewal else None,
            warning=" ".join(self.warnings) or None,
            error=WhyNot(error.code, error.message, error.hint or None) if error else None,
            zone=self.prescription.zone if self.prescription else zone,
        )

    def to_receipt(self, zone: str, sent: Receipt) -> RenewalReceipt:
        """Return the receipt; `sent` is that of the whole request, `zone` as in `to_result`."""
        changed = self.changed and sent.changed
        return RenewalReceipt.of(self.to_result(zone), replace(sent, changed=changed))


def build_withdrawal_receipt(renewal: Renewal, sent: Receipt) -> RenewalReceipt:
    """Return the receipt of a request that is taken back; `sent` says how that went."""
    item = RenewalItem(str(renewal.prescription_id or ""), renewal=renewal, changed=sent.changed)
    return item.to_receipt(renewal.zone, sent)


@dataclass(frozen=True)
class SkippedPrescription:
    """A prescription that runs out, or may, and that `--low` skips; `why` ends a sentence."""

    prescription: Prescription
    why: str

    @property
    def sentence(self) -> str:
        """The sentence that tells the person."""
        prescription = self.prescription
        runs_out = "runs out but " if prescription.low else ""
        return f"{prescription.label} ({prescription.id}) {runs_out}is left out: {self.why}"


@dataclass(frozen=True)
class RenewalPlan:
    """All items of one request, and what `--low` skipped.

    `price` is what sending each of them costs; `None` = nothing, or it is not known.
    """

    items: tuple[RenewalItem, ...]
    skipped: tuple[SkippedPrescription, ...] = ()
    price: Price | None = None

    @property
    def written(self) -> tuple[Renewal, ...]:
        """The requests that it makes, as far as they are made."""
        return tuple(each.renewal for each in self.items if each.renewal)


ServicesByGp = Mapping[str, Service]
"""The renewal Service of each of the patient's GPs, by the GP's id."""


def find_service(item: RenewalItem, services: ServicesByGp) -> Service | None:
    """Return the renewal Service of the prescriber; `None` = not one of the patient's GPs."""
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
    """Return the plan's rows; `asked` are the Services that the requests go to."""
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
    """Yield what the person should know before agreeing, each with what it is about."""
    for item in plan.items:
        if item.error:
            yield f"{item.id} can't be asked for: {item.error.message}"
        for warning in item.warnings:
            yield f"{item.label}: {warning}"


def build_charge(price: Price | None, count: int) -> Charge:
    """Return what `count` requests cost, when they are sent or later."""
    what = "Asking for this" if count == 1 else f"Asking for {count} prescriptions"
    return Charge(what, multiply_price(price, count) if price else None)


def multiply_price(price: Price, count: int) -> Price:
    """Return the price of `count` requests together; with more than one it has no rates."""
    rates = price.rates if count == 1 else ()
    return replace(price, low=price.low * count, high=price.high * count, rates=rates)


def check_note(note: str | None, asked: Sequence[Service]) -> None:
    """Raise InvalidUsage for a note that is longer than one of the surgeries takes."""
    offers = [service.offer for service in asked if service.offer]
    most = min((offer.limits.text for offer in offers if offer.limits.text), default=None)
    if note is not None and most is not None and len(note) > most:
        raise InvalidUsage(
            f"--note has {len(note)} characters; the surgery takes {most}.",
            hint="Make it shorter.",
        )


def preview_item(item: RenewalItem, request: RenewalRequest) -> RenewalItem:
    """Return the item as a dry run shows it: with a request that has no id."""
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


def _prescription_rows(
    due: Sequence[RenewalItem], services: ServicesByGp
) -> Iterator[tuple[str, PlanValue]]:
    """Yield the prescriptions, each with its dose, under the GP that each request goes to."""
    by_gp: dict[str | None, list[RenewalItem]] = {}
    for item in due:
        service = find_service(item, services)
        prescriber = item.prescription.prescriber if item.prescription else None
        by_gp.setdefault(service.surgery.label if service else prescriber, []).append(item)
    for gp, items in by_gp.items():
        yield "To", gp
        for item in items:
            left = item.prescription.left_to_fetch if item.prescription else ""
            what = f"{item.label} ({item.id})"
            yield "Prescription", f"{what}, {left}" if left else what
            yield "Dose", item.prescription.dose if item.prescription else None


def _price_rows(price: Price | None, count: int) -> PlanRows:
    if price is None or count == 1 or price.high == 0:
        return (("Price", price),)
    return (("Price each", price), ("Price in all", multiply_price(price, count)))


ERRORS_AFTER_RESULTS = (Partial, OutcomeUnknown)
"""The errors that a command ends with after it has shown its results."""

_REQUESTS = "gpcli rx requests shows what is there."
FAILED = "failed"
"""How a request ended that led to nothing, in words; the words of all others follow an `is`."""

_RESULT_WORDS = {
    "completed": "renewed",
    "rejected": "refused",
    "failed": FAILED,
    "cancelled": "withdrawn",
}


def overall_error(items: Sequence[RenewalItem], request_id: str) -> GpcliError | None:
    """Return the error that the command ends with; `None` = nothing failed.

    A refusal by the surgery is an answer, not an error. An unknown outcome comes before everything
    else; where all items failed in the same way, it is that error; else Partial. `request_id` makes
    it safe to repeat the request.
    """
    failed = [(item.id, item.error) for item in items if item.error]
    if not failed:
        return None
    unknown = [each for each in failed if isinstance(each[1], OutcomeUnknown)]
    if unknown:
        first = unknown[0][1]
        whole = OutcomeUnknown(
            _format_errors(unknown),
            hint=first.hint,
            request_id=first.request_id,
            trace_id=first.trace_id,
            retry_after=_find_longest_wait(unknown),
        )
        whole.rename_request(request_id)
        return whole
    if len(failed) < len(items) or len({error.exit for _, error in failed}) > 1:
        return Partial(f"{_format_counts(items)}. {_format_errors(failed)}", hint=_REQUESTS)
    return _merge_errors(failed)


def format_result(item: RenewalItem) -> str:
    """Return how one item ended in a few words: `asked for`, `refused`, `renewed before`."""
    if item.renewal is None:
        return "not asked for"
    if item.renewal.id is None:
        return "not sent"
    words = _RESULT_WORDS.get(item.renewal.status, "asked for")
    return words if item.changed else f"{words} before"


def _format_counts(items: Sequence[RenewalItem]) -> str:
    """Return how many items ended in which way: new ones, those of before, failed ones."""
    in_order = sorted(items, key=lambda item: (item.error is not None, not item.changed))
    counted = Counter(format_result(item) for item in in_order)
    return ", ".join(f"{count} {words}" for words, count in counted.items())


def _merge_errors(failed: Sequence[tuple[str, GpcliError]]) -> GpcliError:
    _, first = failed[0]
    if len(failed) == 1:
        return first
    hints = dict.fromkeys(error.hint for _, error in failed if error.hint)
    kind, message = type(first), _format_errors(failed)
    merged = kind.__new__(kind, message)  # the kinds differ in the arguments of __init__
    longest = _find_longest_wait(failed)
    vars(merged).update(vars(first), message=message, retry_after=longest)
    merged.replace_hint("\n".join(hints))
    return merged


def _find_longest_wait(failed: Sequence[tuple[str, GpcliError]]) -> float | None:
    waits = [error.retry_after for _, error in failed if error.retry_after is not None]
    return max(waits, default=None)


def _format_errors(failed: Sequence[tuple[str, GpcliError]]) -> str:
    """Return the errors' messages, each after its id: a medicine's name has no place in a log."""
    return " ".join(f"{name}: {error.message}" for name, error in failed)
