"""What a command sends: its request, the plan that is agreed to, and how far sending has come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar
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
from gpcli.journal import CommandRequest, Journal, derive_intent

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from gpcli.config.profiles import Profile
    from gpcli.config.settings import Options
    from gpcli.model.person import Identity
    from gpcli.render.output import Output

Record = TypeVar("Record")


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

    def __init__(self, context: SendingContext) -> None:
        self._context = context
        self._before_sending: list[Callable[[], Path | None]] = []

    def intent(self, command: str) -> UUID:
        """Return the UUID that identifies this write of `command`.

        It is random, or of `--request-id`: `derive_intent`.
        Raises: Conflict where that is the request of another sign-in; ConfigError.
        """
        context = self._context
        intent = uuid4()
        if given := context.options.request_id:
            intent = derive_intent(
                given, context.profile, lambda: context.identity.patient, command
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

        `word` is what the command line gave for a plan that asks for a word to be typed.
        Raises: NotConfirmed, and what sending raises.
        """
        options = self._context.options
        agreement = Agreement(options.yes, options.dry_run, options.accept_fee, word)
        asker = self._context.ask
        outcome = confirm_and_send(decision, agreement, asker, self._show_plan, self.note_stage)
        if not outcome.dry_run:
            self.note_told(outcome.record)
        return outcome

    def note_told(self, record: object) -> None:
        """Note that how the records of a write are now is no news for this person."""
        from gpcli.changes.own_writes import (  # noqa: PLC0415  (start-up: only what is sent)
            note_own,
        )

        context = self._context
        note_own(context.state_dir, lambda: context.account, record)

    def note_stage(self, stage: SendStage) -> None:
        """Note how far sending this run's request has come."""
        if stage == "sending":
            self._keep_line()
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
