"""Plans: what would be sent, what it costs, and sending it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any, Generic

from gpcli.care.confirmation import (
    Agreement,
    Decision,
    Outcome,
    PlanRows,
    Proposal,
    SendStage,
    confirm_and_send,
)
from gpcli.care.plan_binding import (
    COST,
    EACH,
    find_differences,
    list_parts,
    plan_changed_error,
)
from gpcli.care.revalidate import is_within
from gpcli.config.settings import check_request_id
from gpcli.errors import OutcomeUnknown
from gpcli.model.service import Charge
from gpcli.outbox import settle_own
from gpcli.render.stderr import StderrText
from gpcli.render.terminal import LineWriter
from gpcli.render.times import TimeFormat
from gpcli.render.views.wording import build_plan
from gpcli.scripting.calls import Session, public
from gpcli.scripting.errands import Errand, Result_co, find_record


class Plan(Generic[Result_co]):
    """What would be sent. Nothing is, before `send` is called.

    It belongs to the portal that made it, and may be sent once: later calls of `send` return the
    same result with `changed` false.
    """

    def __init__(self, session: Session, errand: Errand[Result_co], request_id: str | None) -> None:
        if request_id is not None:
            check_request_id("request_id", request_id)
        self._session = session
        self._errand = errand
        self._given_id = request_id
        self._outcome: Outcome[Any] | None = None
        self._is_open = self._was_open = False
        session.context.options.request_id = request_id
        self._intent = session.context.sending.intent(errand.command)
        self._request = session.context.sending.request
        self._decision = errand.propose(self._intent, request_id is not None)
        if isinstance(self._decision, Outcome):
            self._build_result(replace(self._decision, changed=False))  # raises what can't be done

    @property
    def request_id(self) -> str:
        """What repeats this request: the one that was given, or the plan's own."""
        return self._given_id or str(self._intent)

    @property
    def is_done(self) -> bool:
        """Whether it is so already, so that sending would change nothing."""
        return isinstance(self._decision, Outcome) or self._outcome is not None

    @property
    def action(self) -> str:
        """What would be done, in the imperative; empty where it is so already."""
        return self._decision.action if isinstance(self._decision, Proposal) else ""

    @property
    def rows(self) -> PlanRows:
        """The plan's rows, each a label and its value; none where it is so already."""
        return self._decision.rows if isinstance(self._decision, Proposal) else ()

    @property
    def cost(self) -> Charge | None:
        """What sending costs: `None` = nothing; one whose `price` is `None` = nobody knows.

        What is paid at a visit, or perhaps later, is only in the rows.
        """
        return self._decision.charge if isinstance(self._decision, Proposal) else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the person should consider before it is sent."""
        return self._decision.warnings if isinstance(self._decision, Proposal) else ()

    @property
    def notices(self) -> tuple[str, ...]:
        """What holds for any such errand (whom to call instead), and what was left out of it."""
        return (*self._errand.notices, *self._errand.find_notices(find_record(self._decision)))

    def __repr__(self) -> str:
        """Return what would be done, without anything of the record."""
        return f"<Plan: {self.action or 'nothing to do'}>"

    def __str__(self) -> str:
        """Return the plan as the command line shows it."""
        if self.is_done:
            return "It is so already: nothing would be sent."
        context, stream = self._session.context, StringIO()
        worded = build_plan(
            self.action,
            self.rows,
            self.warnings,
            self.cost,
            environment=context.profile.environment,
            zone=context.zone.key,
            time_format=TimeFormat(context.now()),
        )
        StderrText(LineWriter(stream), color=False).plan(worded)
        return stream.getvalue().rstrip("\n")

    @public
    def send(
        self, *, accept_fee: Decimal | int | str | None = None, confirm: str | None = None
    ) -> Result_co:
        """Send it, and return what became of it.

        `accept_fee` is the most that sending may cost, or `"any"`; without it nothing is sent that
        costs something to send. `confirm` is the word that withdrawing consent asks for. The plan
        is made again first, and has to be as it was; what was tried before is looked for.
        Raises: FeeNotAccepted; ConfirmationNeeded, Declined for `confirm`; PlanChanged; whatever
        making the plan can raise; OutcomeUnknown where no answer told what was done: then `send`
        again finds out. An error after which a part is done has that in `results`.
        """
        context = self._session.context
        context.options.request_id, context.sending.request = self._given_id, self._request
        if self._outcome is not None:
            return self._build_result(replace(self._outcome, changed=False))
        was_open, decision = self._is_open, self._make_again()
        fee = f"{accept_fee:f}" if isinstance(accept_fee, Decimal) else accept_fee
        agreement = Agreement(True, accept_fee=None if fee is None else str(fee), word=confirm)
        try:
            outcome = confirm_and_send(
                decision, agreement, context.ask, lambda proposal: "", self._note_stage
            )
        except OutcomeUnknown as error:
            error.add_hint("From Python: send() of this plan looks for it.")
            raise
        if was_open or self._given_id:
            settle_own(context)
        result = self._build_result(outcome)
        self._outcome = outcome
        return result

    def _note_stage(self, stage: SendStage) -> None:
        self._session.context.sending.note_stage(stage)
        if stage == "sending":
            self._was_open, self._is_open = self._is_open, True
        elif stage == "not sent":
            self._is_open = self._was_open

    def _make_again(self) -> Decision[Any]:
        """Return the decision as it is now; raise PlanChanged if it is not what the plan shows."""
        is_repeat = self._is_open or self._given_id is not None
        decision = self._errand.propose(self._intent, is_repeat)
        if isinstance(decision, Proposal):
            now = self._session.context.now()
            _require_same(self._decision, decision, now, is_repeat=self._is_open)
        return decision

    def _build_result(self, outcome: Outcome[Any]) -> Result_co:
        """Return what sending returns; raise the error of a part that failed, with the rest."""
        receipt = outcome.to_receipt(self._session.context.portal.fetch_parties(), self.request_id)
        result = self._errand.build_result(outcome.record, receipt)
        error = self._errand.find_error(outcome.record, self.request_id)
        if error is None:
            return result
        error.results = result if isinstance(result, tuple) else (result,)
        raise error


def _require_same(
    shown: Decision[Any], current: Proposal[Any], now: datetime, *, is_repeat: bool
) -> None:
    """Raise PlanChanged unless `current` is what was `shown`.

    A period that has begun counts from `now`. Where an earlier try may have done a part
    (`is_repeat`), it may be less than what was shown.
    """
    before = list_parts(shown, now) if isinstance(shown, Proposal) else []
    kept = [(part.label, part.forms[0]) for part in before]
    changed = find_differences(kept, list_parts(current, now), is_repeat=is_repeat)
    charge = shown.charge if isinstance(shown, Proposal) else None
    if is_repeat and _is_less(current.charge, charge):
        changed = [label for label in changed if label not in {COST, EACH}]
    if changed:
        hint = "Make it again, and look at it."
        raise plan_changed_error(changed, hint, is_repeat=is_repeat)


def _is_less(charge: Charge | None, limit: Charge | None) -> bool:
    """Return whether a charge is known to be no more than another."""
    if charge is None:
        return True
    price, most = charge.price, limit.price if limit else None
    return price is not None and most is not None and is_within(price, most)
