"""What a computer has set up: portals, who is signed in at them, and what `troubleshoot` found."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from gpcli.model.person import Person
from gpcli.model.service import ConsentLevel, ServiceName, Surgery

Environment = Literal["production", "staging", "sandbox"]
"""What a portal is for: patients, trying out a new portal, or learning."""


@dataclass(frozen=True)
class KnownPortal:
    """A profile. `people` are the names of those who are signed in there."""

    profile: str
    portal: str
    environment: Environment
    default: bool
    people: tuple[str, ...]


@dataclass(frozen=True)
class SignInState:
    """Who is signed in, where, and for how long gpcli works unattended.

    `until` is when a new sign-in will be needed, `None` when the portal does not say; `renews`
    tells whether the access token is renewed by itself until then. `consent` is `None` when
    nobody asked the portal. `machine` is who signs in without a person: its client id at the
    portal, or what gives its token (`GPCLI_TOKEN`); `None` for a person.
    """

    patient: Person
    acting_user: Person | None
    profile: str
    portal: str
    environment: Environment
    consent: ConsentLevel | None
    until: datetime | None
    renews: bool
    machine: str | None = None


@dataclass(frozen=True)
class SignInSummary:
    """What a sign-in led to: who, at which GPs, and the services that can be used online now.

    `channels` are the ways of an e-consultation that can be used now, as the GPs tell them.
    """

    patient: Person
    acting_user: Person | None
    profile: str
    environment: Environment
    surgeries: tuple[Surgery, ...]
    offered: tuple[ServiceName, ...]
    until: datetime | None
    renews: bool
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class SignedOut:
    """A session that was ended; `revoked` tells whether the portal confirmed it."""

    profile: str
    patient: str
    revoked: bool


class Verdict(StrEnum):
    """How a check came out; `skipped` = it could not or need not be made."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


class OwnCause(StrEnum):
    """Causes of findings that no `error.code` names."""

    CLOCK = "clock"
    NO_BROWSER = "no_browser"
    NO_REFRESH = "no_refresh"
    NOT_SUPPORTED = "not_supported"


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    `name` is the check's; `seen` says what was found. `cause` is a word of `error.code`, or an
    OwnCause; `cure` is what to do. Both are `None` where all is
    well or nothing was looked at.
    """

    name: str
    status: Verdict
    seen: str
    cause: str | None
    cure: str | None
