"""Writing to the surgery's reception about administrative matters."""

from __future__ import annotations

from gpcli.care.agreement import Charge, Step
from gpcli.care.offers import at_gp, choose, require
from gpcli.care.request import Request
from gpcli.care.writing import (
    Correspondent,
    Errand,
    Letter,
    check_half,
    fewest_characters,
    started_before,
    starting,
)
from gpcli.model.service import Service, ServiceName
from gpcli.model.thread import Conversation, ThreadKind

KIND = ThreadKind.ADMINISTRATIVE


def gate(writer: Correspondent, gp: str | None) -> int | None:
    """The characters that the surgery takes, `None` = not said; raises NotOffered and its like."""
    offers = at_gp(writer.portal.offers(), gp)
    return fewest_characters(require(offers, ServiceName.CONTACT, writer.clock()))


def propose(writer: Correspondent, letter: Letter, request: Request) -> Step[Conversation]:
    """Write to the reception.

    Raises NotOffered and its like; Usage beyond the surgery's limits; Conflict when the request id
    was used for something else; InputNeeded when several surgeries may be meant.
    """
    desk = writer.portal.mailbox.writing_desk(request.lookup, KIND)
    if desk.earlier and not desk.half:
        return started_before(desk.earlier, desk.offers, letter, request, KIND)
    if desk.earlier:
        check_half(desk.earlier, desk.offers, letter, request, KIND)
    row = choose(desk.offers, ServiceName.CONTACT, writer.clock(), request.gp, writer.asker)
    return starting(writer, row, letter, request, _errand(row))


def _errand(row: Service) -> Errand:
    costs = row.price is not None and row.price.at_sending
    charge = Charge("A message to the surgery", row.price) if costs else None
    return Errand(KIND, "Write to the surgery's reception", charge)
