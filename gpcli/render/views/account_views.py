"""Portals, who is signed in there, what `troubleshoot` finds, and what the sandbox has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Literal

from gpcli.model.account import Finding, KnownPortal, SignedOut, SignInState, SignInSummary, Verdict
from gpcli.model.receipt import OutboxPart, OutboxRequest
from gpcli.model.service import ServiceName
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, dataclass_view
from gpcli.render.views.wording import acting_name, format_acting_user

PORTALS: View[KnownPortal] = dataclass_view(
    KnownPortal,
    "profiles",
    (
        Column("profile", "Profile", lambda portal: portal.profile),
        Column("portal", "Portal", lambda portal: portal.portal),
        Column("environment", "Environment", lambda portal: portal.environment),
        Column("default", "Default", lambda portal: portal.default),
        Column("people", "Signed in", lambda portal: portal.people),
    ),
)


def _format_unattended(sign_in: SignInState | SignInSummary, time_format: TimeFormat) -> str:
    if (
        sign_in.until is None
        and isinstance(sign_in, SignInState)
        and sign_in.machine
        and sign_in.renews
    ):
        return "as long as the portal lets the machine in"
    if sign_in.until is None:
        return "as long as the portal renews the session" if sign_in.renews else "not known"
    return f"until {time_format.time(sign_in.until, str(sign_in.until.tzinfo))}"


def _format_offered(summary: SignInSummary, time_format: TimeFormat) -> str:
    """Format what can be used now, with the ways of an e-consultation."""
    ways = f" ({', '.join(summary.channels)})" if summary.channels else ""
    consultation = ServiceName.E_CONSULTATION
    names = (f"{name}{ways if name is consultation else ''}" for name in summary.offered)
    return ", ".join(names) or "nothing"


SIGN_INS: View[SignInState] = dataclass_view(
    SignInState,
    "whoami",
    (
        Column("patient", "Patient", lambda state: state.patient.name),
        Column("acting_user", "Acting user", acting_name, format_acting_user),
        Column("profile", "Profile", lambda state: state.profile),
        Column("portal", "Portal", lambda state: state.portal),
        Column("environment", "Environment", lambda state: state.environment),
        Column("consent", "Consent", lambda state: state.consent and state.consent.value),
        Column("until", "Works unattended", lambda state: state.until, _format_unattended),
        Column("renews", "Renews itself", lambda state: state.renews, in_table=False),
        Column(
            "machine", "Machine", lambda state: state.machine, lambda state, _: state.machine or ""
        ),
    ),
)

SIGNED_IN: View[SignInSummary] = dataclass_view(
    SignInSummary,
    "login",
    (
        Column("patient", "Patient", lambda summary: summary.patient.name),
        Column("acting_user", "Acting user", acting_name, format_acting_user),
        Column("profile", "Profile", lambda summary: summary.profile),
        Column("environment", "Environment", lambda summary: summary.environment),
        Column(
            "gp",
            "GP",
            lambda summary: tuple(surgery.label for surgery in summary.surgeries),
            json_path="surgeries",
        ),
        Column("offered", "Online now", lambda summary: summary.offered, _format_offered),
        Column("until", "Works unattended", lambda summary: summary.until, _format_unattended),
        Column("channels", "E-consultation", lambda summary: summary.channels, for_people=False),
    ),
)

SIGNED_OUT: View[SignedOut] = dataclass_view(
    SignedOut,
    "logout",
    (
        Column("patient", "Signed out", lambda account: account.patient),
        Column("profile", "Profile", lambda account: account.profile),
        Column("revoked", "Ended at the portal", lambda account: account.revoked),
    ),
)


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that is served: its name, the portal's FHIR base, when it began, its process."""

    name: str
    portal: str
    started: datetime
    pid: int


SANDBOXES: View[RunningSandbox] = dataclass_view(
    RunningSandbox,
    "sandboxes",
    (
        Column("name", "Name", lambda sandbox: sandbox.name),
        Column("portal", "Portal", lambda sandbox: sandbox.portal),
        Column("started", "Started", lambda sandbox: sandbox.started),
        Column("pid", "Process", lambda sandbox: sandbox.pid, right=True),
    ),
)


@dataclass(frozen=True)
class SandboxPerson:
    """Somebody who can sign in at the sandbox; `acts_for` are the names of their children."""

    person: str
    name: str
    shows: str
    acts_for: tuple[str, ...]


PEOPLE: View[SandboxPerson] = dataclass_view(
    SandboxPerson,
    "sandbox-people",
    (
        Column("person", "Person", lambda person: person.person),
        Column("name", "Name", lambda person: person.name),
        Column("shows", "Shows", lambda person: person.shows),
        Column("acts_for", "Acts for", lambda person: person.acts_for),
    ),
)


SurgeryAnswer = Literal["booked", "answered", "closed", "renewed", "refused", "declined"]
"""What the surgery of the sandbox made of a request."""


@dataclass(frozen=True)
class Answer:
    """An answer of the surgery: to what (`id`), of which service, and what came of it."""

    id: str
    service: str
    outcome: SurgeryAnswer


ANSWERS: View[Answer] = dataclass_view(
    Answer,
    "sandbox-answered",
    (
        Column("id", "ID", lambda answer: answer.id),
        Column("service", "Service", lambda answer: answer.service),
        Column("outcome", "Outcome", lambda answer: answer.outcome),
    ),
)


@dataclass(frozen=True)
class SandboxFault:
    """A fault rule in force at a sandbox; `left` is how often it still acts, None = always."""

    id: str
    rule: str
    used: int
    left: int | None


FAULTS: View[SandboxFault] = dataclass_view(
    SandboxFault,
    "sandbox-fault",
    (
        Column("id", "ID", lambda fault: fault.id),
        Column("rule", "Rule", lambda fault: fault.rule),
        Column("used", "Used", lambda fault: fault.used),
        Column("left", "Left", lambda fault: fault.left),
    ),
)


@dataclass(frozen=True)
class SandboxVariables:
    """The variables that point gpcli at a sandbox as one of its people, each by its name."""

    GPCLI_PORTAL: str
    GPCLI_ENVIRONMENT: str
    GPCLI_TOKEN: str
    GPCLI_PATIENT: str
    GPCLI_FHIR_USER: str
    GPCLI_SMOKE_OTHER_PATIENT: str | None = None


VARIABLES: View[SandboxVariables] = dataclass_view(
    SandboxVariables,
    "sandbox-env",
    tuple(Column(each.name, each.name, attrgetter(each.name)) for each in fields(SandboxVariables)),
)


OUTBOX: View[OutboxRequest] = dataclass_view(
    OutboxRequest,
    "outbox",
    (
        Column("request_id", "Request", lambda request: request.request_id),
        Column("command", "Command", lambda request: request.command),
        Column(
            "state",
            "State",
            lambda request: request.state.value,
            lambda request, _: request.state.replace("_", " "),
        ),
        Column("sent", "Sent", lambda request: request.sent),
        Column("patient", "For", lambda request: request.patient),
        Column("profile", "Profile", lambda request: request.profile, droppable=True),
        Column(
            "repeat", "Repeat", lambda request: request.repeat, in_table=False, for_people=False
        ),
        Column(
            "own_id",
            "Own ID",
            lambda request: request.own_id,
            in_table=lambda request: request.own_id not in {None, request.request_id},
        ),
    ),
)

OUTBOX_PARTS: View[OutboxPart] = dataclass_view(
    OutboxPart,
    "outbox-parts",
    (
        Column("what", "Record", lambda part: part.what),
        Column("id", "ID", lambda part: part.id),
        Column(
            "state",
            "State",
            lambda part: part.state.value,
            lambda part, _: part.state.replace("_", " "),
        ),
    ),
)

VERDICT_STYLES = {
    Verdict.OK: "green",
    Verdict.WARNING: "yellow",
    Verdict.FAILED: "bold red",
    Verdict.SKIPPED: "dim",
}

FINDINGS: View[Finding] = dataclass_view(
    Finding,
    "troubleshoot",
    (
        Column("name", "Check", lambda finding: finding.name),
        Column(
            "status",
            "Status",
            lambda finding: finding.status.value,
            style=lambda finding: VERDICT_STYLES[finding.status],
        ),
        Column("seen", "Seen", lambda finding: finding.seen),
        Column("cause", "Cause", lambda finding: finding.cause, in_table=False),
        Column("cure", "Cure", lambda finding: finding.cure, in_table=False),
    ),
)


def format_cures(findings: Iterable[Finding]) -> Iterator[str]:
    """Return a line for each finding that has a cure."""
    return (f"{finding.name}: {finding.cure}" for finding in findings if finding.cure)
