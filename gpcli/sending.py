"""What a command sends: its request, the plan that is agreed to, and how far sending has come."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import UUID, uuid4

from gpcli.care.confirmation import (
    Agreement,
    Asker,
    Decision,
    Outcome,
    Proposal,
    SendStage,
    confirm_and_send,
)
from gpcli.care.plan_binding import (
    PlanPart,
    find_differences,
    list_parts,
    plan_changed_error,
)
from gpcli.errors import ConfigError, InvalidUsage, PlanChanged, TimedOut
from gpcli.journal import CommandRequest, Journal, derive_intent
from gpcli.model.receipt import PlanName

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from gpcli.config.plan_store import KeptPlan, PlanStore
    from gpcli.config.profiles import Profile
    from gpcli.config.settings import Options
    from gpcli.model.person import Identity
    from gpcli.render.output import Output

Record = TypeVar("Record")

PLAN_LIFETIME = timedelta(hours=1)
"""For how long a plan that was shown can be agreed to."""

_PLAN_HINT = "--dry-run shows what it would be now, and gives it an id."


class SendingContext(Protocol):
    """What sending needs of the context of a command; each part is read when it is first used."""

    @property
    def options(self) -> Options:
        """What the command line asked for."""

    @property
    def state_dir(self) -> Path:
        """The directory of the journal and the kept lines."""

    @property
    def profile(self) -> Profile:
        """The portal in use."""

    @property
    def identity(self) -> Identity:
        """The patient of the sign-in, and who acts."""

    @property
    def account(self) -> str:
        """The account, a hash, that the journal knows the sign-in by."""

    @property
    def ask(self) -> Asker:
        """The prompt."""

    @property
    def output(self) -> Output:
        """The one writer."""

    @property
    def zone(self) -> ZoneInfo:
        """The surgeries' time zone."""

    def now(self) -> datetime:
        """Return the present, in the surgeries' zone."""

    def timestamp(self) -> float:
        """Return the present in Unix seconds."""


class Sending:
    """The request that one command makes of the portal.

    `request` is what this run asks for, `None` = nothing so far. `sent_request_id` is the request
    id of what it has sent, `None` = it changed nothing; `pending_request_id` that of what may have
    been sent and has no known outcome.
    """

    request: CommandRequest | None = None
    sent_request_id: str | None = None
    pending_request_id: str | None = None
    _plan: KeptPlan | None = None

    def __init__(self, context: SendingContext) -> None:
        self._context = context
        self._before_sending: list[Callable[[], Path | None]] = []

    def intent(self, command: str) -> UUID:
        """Return the UUID that identifies this write of `command`.

        It is random, or of `--request-id` (`derive_intent`), or of the plan of `--confirm`.
        Raises: Conflict where it is the request of another sign-in; PlanChanged where the plan is
        for another command, person or portal; NotFound where there is no plan; InvalidUsage where
        the options contradict one another; ConfigError.
        """
        context = self._context
        self._plan = plan = self._find_plan(command)
        intent = plan.intent if plan else uuid4()
        if given := context.options.request_id:
            intent = derive_intent(
                given, context.profile, lambda: context.identity.patient, command
            )
            if plan and intent != plan.intent:
                raise InvalidUsage(
                    f"--request-id names another request than {plan.id} is for.",
                    hint="Give the one that --dry-run had, or none.",
                )
            Journal(context.state_dir).check_is_own(intent, lambda: context.account)
        self.request = CommandRequest(intent, command)
        return intent

    @property
    def request_id(self) -> str | None:
        """What `--request-id` repeats this run's request by; `None` = it has none."""
        given = self._context.options.request_id
        return given or (str(self.request.id) if self.request else None)

    def call_before_sending(self, store: Callable[[], Path | None]) -> None:
        """Have `store` called before anything is sent.

        It returns the file in which it has put the text that is sent, `None` = in none.
        """
        self._before_sending.append(store)

    def confirm_and_send(
        self, decision: Decision[Record], *, word: str | None = None
    ) -> Outcome[Record]:
        """Show the plan, have the person agree, and send.

        `word` is what the command line gave for a plan that asks for a word to be typed. A plan
        that was agreed to before is sent as it was, without being shown.
        Raises: NotConfirmed, and what sending raises.
        """
        options, asker = self._context.options, self._context.ask
        check = self._check_plan if self._plan else None
        agreement = Agreement(options.yes, options.dry_run, options.accept_fee, word, check)
        outcome = confirm_and_send(decision, agreement, asker, self._show_plan, self.note_stage)
        if not outcome.dry_run:
            self.note_told(outcome.record, by_hand=not outcome.changed)
        elif isinstance(decision, Proposal):
            return replace(outcome, plan=self._name_plan(decision))
        return outcome

    def note_told(self, record: object, *, by_hand: bool = True) -> None:
        """Note that how the records of a write are now is no news for this person.

        `by_hand`: it was not written now, so that a watch has yet to tell it.
        """
        from gpcli.changes.own_writes import (  # noqa: PLC0415  (start-up: only what is sent)
            note_own,
        )

        context = self._context
        note_own(context.state_dir, lambda: context.account, record, by_hand=by_hand)

    def note_stage(self, stage: SendStage) -> None:
        """Note how far sending this run's request has come."""
        if stage == "sending":
            self._keep_line()
        if self._plan and stage != "sent":
            with suppress(OSError, ConfigError, TimedOut):  # a repeat is only compared more closely
                is_begun = stage == "sending" or self._plan.begun
                self._plans.note_begun(self._plan.id, begun=is_begun)
        if stage == "sent":
            self.sent_request_id = self.request_id
        self.pending_request_id = self.request_id if stage == "sending" else None

    def _keep_line(self) -> None:
        """Keep this run's command line until it is known what became of its request."""
        from gpcli.config.kept_requests import (  # noqa: PLC0415  (start-up: only what is sent)
            KeptRequests,
        )

        drafts = [path for store in self._before_sending if (path := store())]
        options = self._context.options
        if self.request is not None and options.argv:
            kept = KeptRequests(self._context.state_dir)
            kept.try_to_write(self.request.id, options, drafts, self._context.timestamp())

    @property
    def _plans(self) -> PlanStore:
        from gpcli.config.plan_store import PlanStore  # noqa: PLC0415  (start-up: only plans)

        return PlanStore(self._context.state_dir, self._context.timestamp())

    def _find_plan(self, command: str) -> KeptPlan | None:
        """Return the plan that `--confirm` names, which has to be of this run; raise as `intent`.

        `None` = it names none.
        """
        options = self._context.options
        if options.confirm is None:
            return None
        if options.dry_run:
            raise InvalidUsage("--confirm and --dry-run can't be used together.")
        plan = self._plans.find(options.confirm)
        parts = self._list_run_parts(command)
        labels = {part.label for part in parts}
        shown = [each for each in plan.parts if each[0] in labels]
        if changed := find_differences(shown, parts, is_repeat=False, convert=plan.hash):
            raise plan_changed_error(changed, _PLAN_HINT)
        return plan

    def _check_plan(self, proposal: Proposal[Any]) -> None:
        """Raise PlanChanged unless `proposal` is the plan that `--confirm` names.

        What may have been sent already can be gone on with after its hour, and may be less by then.
        """
        plan, now = self._plan, self._context.now()
        assert plan is not None, "only a plan that was found is compared"  # noqa: S101
        if not plan.begun and now.timestamp() > plan.until:
            raise PlanChanged(f"{plan.id} was good for an hour. Nothing was sent.", hint=_PLAN_HINT)
        parts = self._list_parts(proposal, now)
        changed = find_differences(plan.parts, parts, is_repeat=plan.begun, convert=plan.hash)
        if changed:
            raise plan_changed_error(changed, _PLAN_HINT, is_repeat=plan.begun)

    def _name_plan(self, proposal: Proposal[Any]) -> PlanName | None:
        """Keep a plan that was shown, and return its name; `None` = that failed, which is said."""
        if self.request is None:  # what can't be repeated
            return None
        now = self._context.now()
        until = now.replace(microsecond=0) + PLAN_LIFETIME
        parts = [(part.label, part.forms[0]) for part in self._list_parts(proposal, now)]
        try:
            plan_id = self._plans.add(parts, self.request.id, until.timestamp())
        except (ConfigError, TimedOut) as error:
            self._context.output.notice(f"This plan has no id: {error.message}", needed=True)
            return None
        return PlanName(plan_id, until)

    def _list_parts(self, proposal: Proposal[Any], now: datetime) -> list[PlanPart]:
        command = self.request.command if self.request else ""
        return [*self._list_run_parts(command), *list_parts(proposal, now)]

    def _list_run_parts(self, command: str) -> list[PlanPart]:
        profile, identity = self._context.profile, self._context.identity
        return [
            PlanPart.of("the command", command),
            PlanPart.of("the portal", (profile.name, profile.portal, profile.environment)),
            PlanPart.of("the person", identity.patient),
            PlanPart.of("who acts", identity.fhir_user),
        ]

    def _show_plan(self, proposal: Proposal[Record]) -> str:
        """Write the plan, and return the question that it ends in."""
        from gpcli.render.views.wording import (  # noqa: PLC0415  (start-up: only what is shown)
            build_plan,
        )

        context = self._context
        plan = build_plan(
            proposal.action,
            proposal.rows,
            proposal.warnings,
            proposal.charge,
            environment=context.profile.environment,
            zone=context.zone.key,
            time_format=context.output.time_format,
        )
        context.output.plan(plan)
        return plan.question
