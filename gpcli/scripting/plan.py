"""Plans: what would be sent, what it costs, and sending it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any, Generic, TypeVar

from gpcli.care.confirmation import (
    Agreement,
    Charge,
    Decision,
    Outcome,
    PlanRows,
    Proposal,
    SendStage,
    confirm_and_send,
)
from gpcli.config.settings import check_request_id
from gpcli.errors import PlanChanged
from gpcli.outbox import settle_own
from gpcli.render.stderr import StderrText
from gpcli.render.terminal import LineWriter
from gpcli.render.views.wording import build_plan
from gpcli.scripting.calls import Session, public
from gpcli.scripting.errands import Errand, find_record

FRESH_FOR = timedelta(minutes=1)
"""For how long a plan is sent as it is; an older one is made again and compared first."""

Result = TypeVar("Result")


class Plan(Generic[Result]):
    """What would be sent. Nothing is, before `send` is called.

    It belongs to the portal that made it, and may be sent once: later calls of `send` return the
    same result with `changed` false.
    """

    def __init__(self, session: Session, errand: Errand[Result], request_id: str | None) -> None:
        if request_id is not None:
            check_request_id("request_id", request_id)
        self._session = session
        self._errand = errand
        self._given_id = request_id
        self._outcome: Outcome[Any] | None = None
        self._is_tried = False
        session.context.options.request_id = request_id
        self._intent = session.context.intent(errand.command)
        self._request = session.context.request
        self._decision = errand.propose(self._intent, request_id is not None)
        self._made = session.context.now()

    @property
    def request_id(self) -> str:
        """What repeats this request: the one that was given, or the plan's own."""
        return self._given_id or str(self._intent)

    @property
    def is_done(self) -> bool:
        """Whether it is so already, so that sending would change nothing."""
        return isinstance(self._decision, Outcome)

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
        """What sending costs: `None` = nothing; one whose `price` is `None` = nobody knows."""
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
            environment=context.profile.environment,
            zone=context.zone.key,
            now=context.now(),
        )
        StderrText(LineWriter(stream), color=False).plan(worded)
        return stream.getvalue().rstrip("\n")

    @public
    def send(
        self, *, accept_fee: Decimal | int | str | None = None, confirm: str | None = None
    ) -> Result:
        """Send it, and return what became of it.

        `accept_fee` is the most that sending may cost, or `"any"`; without it nothing that costs
        is sent. `confirm` is the word that withdrawing consent asks for. A plan older than a minute
        is made again and compared; one that was tried before is looked for first.
        Raises: FeeNotAccepted; ConfirmationNeeded, Declined for `confirm`; PlanChanged; whatever
        making the plan can raise; OutcomeUnknown where no answer told what was done: then `send`
        again finds out. An error after which a part is done has that in `results`.
        """
        context = self._session.context
        context.options.request_id, context.request = self._given_id, self._request
        if self._outcome is not None:
            return self._build_result(replace(self._outcome, changed=False))
        decision = self._renew_decision()
        fee = None if accept_fee is None else str(accept_fee)
        agreement = Agreement(yes=True, accept_fee=fee, word=confirm)
        outcome = confirm_and_send(
            decision, agreement, context.ask, lambda proposal: None, self._note_stage
        )
        if self._is_tried or self._given_id:
            settle_own(context)
        result = self._build_result(outcome)
        self._outcome = outcome
        return result

    def _note_stage(self, stage: SendStage) -> None:
        self._session.context.note_stage(stage)
        self._is_tried = self._is_tried or stage == "sending"

    def _renew_decision(self) -> Decision[Any]:
        """Return the decision to send by: the plan's own while it is fresh, else a new one.

        Raises: PlanChanged if a new one differs from what the plan shows.
        """
        if not self._is_tried and self._session.context.now() - self._made < FRESH_FOR:
            return self._decision
        is_repeat = self._is_tried or self._given_id is not None
        decision = self._errand.propose(self._intent, is_repeat)
        if not self._is_tried and isinstance(decision, Proposal):
            _require_same(self._decision, decision)
        return decision

    def _build_result(self, outcome: Outcome[Any]) -> Result:
        """Return what sending returns; raise the error of a part that failed, with the rest."""
        receipt = outcome.to_receipt(self._session.context.portal.fetch_parties(), self.request_id)
        result = self._errand.build_result(outcome.record, receipt)
        error = self._errand.find_error(outcome.record, self.request_id)
        if error is None:
            return result
        error.results = result if isinstance(result, tuple) else (result,)
        raise error


def _require_same(shown: Decision[Any], current: Proposal[Any]) -> None:
    """Raise PlanChanged unless `current` is what was `shown`."""
    rows = shown.rows if isinstance(shown, Proposal) else ()
    others = [row for row in (*rows, *current.rows) if (row in rows) != (row in current.rows)]
    changed = [*dict.fromkeys(label for label, _ in others)]
    if isinstance(shown, Proposal) and shown.charge != current.charge:
        changed.append("what sending costs")
    if changed:
        raise PlanChanged(
            f"The plan is not what it was: {', '.join(changed)}. Nothing was sent.",
            hint="Make it again, and look at it.",
        )
