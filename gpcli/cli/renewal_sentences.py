"""What is said after a request to renew: which prescriptions it was for, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpcli.care.confirmation import Outcome
from gpcli.care.renewal_request import (
    FAILED,
    RenewalItem,
    RenewalPlan,
    format_result,
    multiply_price,
)
from gpcli.cli.result_output import end_sentence, format_dry_run
from gpcli.model.prescription import REFUSED
from gpcli.model.service import Price
from gpcli.render.times import TimeFormat
from gpcli.render.views.wording import format_price


def format_next_steps(outcome: Outcome[RenewalPlan], time_format: TimeFormat) -> list[str]:
    """Return the notices on a request to renew: a line for each kind of result."""
    plan = outcome.record
    if not plan.items:
        return [f"There is nothing {'else ' if plan.skipped else ''}to ask for."]
    if outcome.dry_run:
        return [format_dry_run(outcome.plan)]
    groups: dict[str, list[RenewalItem]] = {}
    for item in sorted(plan.items, key=lambda item: not item.changed):
        if item.renewal:
            groups.setdefault(format_result(item), []).append(item)
    return [
        _format_sent(result, items, plan.price, time_format)
        if items[0].changed
        else _format_unsent(result, items, time_format)
        for result, items in groups.items()
    ]


def _format_sent(
    result: str, items: Sequence[RenewalItem], price: Price | None, time_format: TimeFormat
) -> str:
    """Format which prescriptions have this result now, what that costs, and what happens next."""
    cost = ""
    if price and price.high:
        cost = f", for {format_price(multiply_price(price, len(items)), time_format.phrasing)}"
    if len(items) == 1:
        what, told = f"{items[0].label} {'has' if result == FAILED else 'is'} {result}", ""
    else:
        what, told = f"{len(items)} {result}", ", ".join(item.label for item in items)
    if all(item.renewal and item.renewal.status in REFUSED for item in items):
        told = " ".join(_list_answers(items))
    sentence = end_sentence(": ".join(filter(None, (what + cost, told))))
    if any(item.renewal and item.renewal.is_open for item in items):
        return f"{sentence} The surgery has yet to answer: gpcli rx requests shows it."
    return sentence


def _list_answers(items: Sequence[RenewalItem]) -> Iterator[str]:
    """Yield the surgery's answers, each as a sentence, and of several what each is about."""
    for item in items:
        answer = item.renewal.answer if item.renewal else None
        about = f"{item.label} ({item.id})" if len(items) > 1 else None
        if told := ": ".join(filter(None, (about, answer))):
            yield end_sentence(told)


def _format_unsent(result: str, items: Sequence[RenewalItem], time_format: TimeFormat) -> str:
    """Format of which prescriptions it was so before, and since when they are asked for."""
    names = ", ".join(f"{item.label}{_format_asked(item, time_format)}" for item in items)
    if len(items) > 1:
        what = f"{len(items)} {result}: {names}. Nothing was sent for them now."
        return f"{what} gpcli rx requests shows them."
    was = "" if result.startswith(FAILED) else "was "
    what = f"{items[0].label} {was}{result}{_format_asked(items[0], time_format)}"
    return f"{what}: nothing was sent for it now. gpcli rx requests shows it."


def _format_asked(item: RenewalItem, time_format: TimeFormat) -> str:
    """Format the day on which what the surgery has yet to settle was asked for."""
    renewal = item.renewal
    if renewal is None or renewal.asked is None or not renewal.is_open:
        return ""
    return f" ({time_format.surgery_day(renewal.asked, renewal.zone)})"
