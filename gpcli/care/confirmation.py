"""Confirmation: show the plan of a write, get the person's agreement and the fee's, then send."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, Literal, Protocol, TypeVar

from gpcli.errors import (
    ConfirmationNeeded,
    Conflict,
    Declined,
    Failure,
    FeeNotAccepted,
    GpcliError,
    InvalidUsage,
    OutcomeUnknown,
    Partial,
    TlsError,
)
from gpcli.model.day_names import format_day
from gpcli.model.person import Parties
from gpcli.model.receipt import PlanName, PlanValue, Receipt, WriteResult
from gpcli.model.service import Charge, format_decimal

Record = TypeVar("Record")

PlanRows = tuple[tuple[str, PlanValue], ...]
"""Rows of a plan: label and value. The writer leaves out those without a value, but for prices."""

WARNINGS = "what it warns of"
"""The label of the content that a plan's warnings stand for."""

ANY_FEE = "any"
"""What `--accept-fee` takes in place of an amount: whatever it costs, known or not."""


class Asker(Protocol):
    """Asks the person at the terminal; `can_ask` is false where there is nobody to ask."""

    can_ask: bool

    def confirm(self, question: str, *, flag: str) -> bool:
        """Ask a yes-or-no question; the default is no.

        Raises: ConfirmationNeeded, naming `flag`, if nobody can be asked.
        """

    def ask_text(self, question: str, *, flag: str) -> str:
        """Ask for words that are not empty.

        Raises: InputNeeded, naming `flag`; Declined.
        """

    def ask_optional(self, question: str, *, flag: str) -> str:
        """Ask for words that may be left out; empty where they are.

        Raises: InputNeeded, naming `flag`.
        """

    def choose(
        self,
        question: str,
        choices: Sequence[tuple[str, str]],
        *,
        flag: str,
        default: str | None = None,
    ) -> str:
        """Let the person choose one of `choices` (id, label); return its id.

        `default` is the id that is taken unless another is named; `None` = one has to be named.
        Raises: InputNeeded, naming `flag`; Declined.
        """


@dataclass(frozen=True)
class Proposal(Generic[Record]):
    """A write that is ready to be shown, agreed to and sent.

    `action` says in the imperative what is agreed to, `rows` are the plan. `preview` is the record
    as it would be, for a dry run. `charge` is what sending costs, `None` = nothing. `later_charge`
    is what may be charged later: it counts only where `accept_fee` sets a limit. `word` has to be
    typed to agree, where a yes is not enough; `""` = a yes is enough. `revalidate` is called once a
    person has agreed, who may have taken long: it reads the facts again and raises if they no
    longer are as the plan showed. With `asks` false, whoever runs the command has agreed by that:
    there is nothing to regret in it, so that its plan is shown in a dry run only.

    `content` is what `send` sends and the rows don't tell to the letter, each part with the label
    of its row, or one in a person's words: texts, bytes, ids, or records of them. With the label
    WARNINGS, it is what the warnings are about, where their words depend on who reads them.
    """

    action: str
    rows: PlanRows
    preview: Record
    send: Callable[[], WriteResult[Record]]
    charge: Charge | None = None
    later_charge: Charge | None = None
    warnings: tuple[str, ...] = ()
    word: str = ""
    revalidate: Callable[[], None] | None = None
    asks: bool = True
    content: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True)
class Agreement:
    """What the command line agreed to in advance.

    `accept_fee` is an amount, `any`, or `None` = no fee; `word` is the one that a proposal may
    require, `None` = the person types it. `check_plan` raises PlanChanged unless a proposal is the
    plan that somebody has seen and agreed to, with its fee and its word; `None` = there was none.
    """

    yes: bool = False
    dry_run: bool = False
    accept_fee: str | None = None
    word: str | None = None
    check_plan: Callable[[Proposal[Any]], None] | None = None


@dataclass(frozen=True)
class Outcome(Generic[Record]):
    """How a write ended: the record, whether anything changed, and whether it was a dry run.

    `here_only`: the portal did not take it, and only this machine remembers it. `plan` is the name
    of the plan that a dry run has shown, `None` = it has none.
    """

    record: Record
    changed: bool
    dry_run: bool = False
    here_only: bool = False
    plan: PlanName | None = None

    def to_receipt(self, parties: Parties, request_id: str) -> Receipt:
        """Return how it went for whom; `request_id` repeats the request."""
        return Receipt(
            changed=self.changed,
            dry_run=self.dry_run,
            request_id=request_id,
            patient=parties.patient,
            acting_user=parties.acting_user,
            plan_id=self.plan.id if self.plan else None,
            plan_until=self.plan.until if self.plan else None,
        )


Decision = Proposal[Record] | Outcome[Record]
"""What care decides: a write to agree to, or the outcome when it is so already."""


SendStage = Literal["sending", "sent", "not sent"]
"""What is known of a write; it stays `sending` where nobody can tell what became of it."""


def confirm_and_send(
    decision: Decision[Record],
    agreement: Agreement,
    asker: Asker,
    show: Callable[[Proposal[Record]], str],
    note_stage: Callable[[SendStage], None] = lambda stage: None,
) -> Outcome[Record]:
    """Show a proposal, make sure that the person agrees, and send it; return an Outcome as it is.

    `show` returns the question by which a person agrees; `note_stage` is called with each stage of
    sending.
    Raises: InvalidUsage if `accept_fee` is no amount; Declined, ConfirmationNeeded, FeeNotAccepted;
    whatever checking the plan, revalidating and sending raise.
    """
    parse_cap(agreement.accept_fee)  # what is no amount is refused before anything is shown
    if isinstance(decision, Outcome):
        return replace(decision, dry_run=agreement.dry_run)
    if agreement.check_plan is not None:
        agreement.check_plan(decision)
        _require_accepted(decision, agreement)
        return _send(decision, note_stage)
    question = show(decision) if decision.asks or agreement.dry_run else ""
    if agreement.dry_run:
        return Outcome(decision.preview, changed=False, dry_run=True)
    was_asked = decision.asks and _require_agreement(decision, question, agreement, asker)
    if was_asked and decision.revalidate:
        decision.revalidate()
    return _send(decision, note_stage)


def _send(proposal: Proposal[Record], note_stage: Callable[[SendStage], None]) -> Outcome[Record]:
    note_stage("sending")
    try:
        written = proposal.send()
    except GpcliError as error:
        if not _can_have_happened(error):
            note_stage("not sent")
        raise
    note_stage("sent" if written.changed and not written.here_only else "not sent")
    return Outcome(written.record, written.changed, here_only=written.here_only)


def _can_have_happened(error: GpcliError) -> bool:
    """Return whether a write that failed with `error` can have been done all the same.

    A Conflict may be with what this very write made; an unreadable answer may be the answer to it.
    """
    says_nothing = isinstance(error, OutcomeUnknown | Partial | Conflict | Failure)
    return says_nothing and not isinstance(error, TlsError)


def _require_agreement(
    proposal: Proposal[Record], question: str, agreement: Agreement, asker: Asker
) -> bool:
    """Return True if a person was asked and agreed, False if the command line had agreed to all.

    Raises: Declined, ConfirmationNeeded, FeeNotAccepted; InputNeeded for the word.
    """
    charge = _require_accepted(proposal, agreement)
    if proposal.word:
        _require_word(proposal.word, agreement.word, asker)
        return agreement.word is None
    if agreement.yes:
        return False
    flag = "--yes" if charge is None else "--yes --accept-fee"
    try:
        agreed = asker.confirm(question, flag=flag)
    except ConfirmationNeeded:
        if charge:
            check_fee(charge, agreement.accept_fee)
        raise
    if not agreed:
        raise Declined("Nothing was sent.")
    return True


def _require_accepted(proposal: Proposal[Record], agreement: Agreement) -> Charge | None:
    """Return the charge to agree to; raise FeeNotAccepted if the command line has, and to less."""
    charge = proposal.charge or (proposal.later_charge if agreement.accept_fee else None)
    is_agreed = agreement.yes and agreement.check_plan is None
    if charge and (is_agreed or agreement.accept_fee):
        check_fee(charge, agreement.accept_fee)
    return charge


def _require_word(word: str, given: str | None, asker: Asker) -> None:
    if given is None and not asker.can_ask:
        raise ConfirmationNeeded(
            f"This needs the word '{word}', and there is nobody to type it.",
            hint=f"Confirm with --confirm {word}.",
        )
    typed = given or asker.ask_text(f"Type '{word}' to go on", flag="--confirm")
    if typed != word:
        raise Declined(f"That was not '{word}'. Nothing was sent.")


def check_fee(charge: Charge, accepted: str | None) -> None:
    """Raise FeeNotAccepted unless `accepted` covers the upper end of what `charge` may cost.

    Raises: InvalidUsage if `accepted` is no amount.
    """
    if accepted == ANY_FEE:
        return
    cap = parse_cap(accepted)
    price = charge.price
    if price is not None and cap is not None and price.high <= cap:
        return
    most = format_decimal(price.high) if price else None
    amount = f"up to {price.currency} {most}" if price else "an unknown amount"
    enough = f"--accept-fee {most or ANY_FEE}"
    raise FeeNotAccepted(
        f"{charge.what} costs {amount}, and that was not accepted. Nothing was sent.",
        hint=f"Agree with --yes {enough}.",
    )


def parse_cap(accepted: str | None) -> Decimal | None:
    """Return the amount that `--accept-fee` gives, `None` for none and for any.

    Raises: InvalidUsage for what is no amount.
    """
    if accepted is None or accepted == ANY_FEE:
        return None
    if re.fullmatch(r"\d+(\.\d*)?|\.\d+", accepted, re.ASCII):
        return Decimal(accepted)
    raise InvalidUsage(f"--accept-fee '{accepted}' is not an amount.", hint="Write 310, or any.")


def word_minute(when: datetime) -> str:
    """Format a time for a sentence or a plan, in its own zone: `Tue 1 Dec 2026 08:30`."""
    return f"{format_day(when)} {when:%H:%M}"
