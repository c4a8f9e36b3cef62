"""Every error that a command can end with, below GpcliError: meaning, exit code, `error.code` word.

├─ Failure (1)          BadResponse, TlsError
├─ UsageError (2)       InvalidUsage, InputNeeded, ConfigError
├─ Missing (3)          NotFound, NoSlot
├─ SignInError (4)      NotSignedIn, Expired, SignInRefused, NoKeyring, NoToken, WrongHost
├─ NotAllowed (5)       NotOffered, OffForNow, ConsentNeeded, NotPermitted, ProductionGuard
├─ Unavailable (6)      Unreachable, TimedOut, RateLimited, PortalError
├─ Refused (7)          SlotTaken, TooLate, AlreadyBooked, AlreadyAnswered, Rejected, Conflict
├─ Partial (8)
├─ NotConfirmed (9)     Declined, ConfirmationNeeded, FeeNotAccepted, PlanChanged
├─ OutcomeUnknown (10)
├─ SmokeFailed (11)
├─ Unexpected (70)
├─ NotExecutable (126)
└─ NoProgram (127)

`exit` numbers and `code` words are interface: `gpcli help exit-codes` prints them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from enum import IntEnum, StrEnum
from typing import ClassVar


class Exit(IntEnum):
    """A command's exit status."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3
    SIGN_IN = 4
    NOT_ALLOWED = 5
    UNAVAILABLE = 6
    REJECTED = 7
    PARTIAL = 8
    CANCELLED = 9
    UNKNOWN = 10
    SMOKE_FAILED = 11
    BUG = 70
    NOT_EXECUTABLE = 126
    NO_PROGRAM = 127
    INTERRUPTED = 130
    CLOSED_PIPE = 141
    TERMINATED = 143


class Cure(StrEnum):
    """What kind of thing helps against an error, where a person and a machine need other words."""

    SIGN_IN = "sign_in"
    """Access has ended or was refused: only other credentials help."""

    MORE_RIGHTS = "more_rights"
    """The credentials do not permit it: only ones that permit more help."""


MAX_TEXT = 500
"""The most characters of a message or a hint, with all that it quotes."""

_TAIL = 100
"""The characters that are kept of the end of a longer one."""


def shorten(text: str) -> str:
    """Return `text`, with `…` for its middle where it has more than `MAX_TEXT` characters.

    So what failed and what to do is still told, however long the quotation between them. No letter
    loses its accents.
    """
    if len(text) <= MAX_TEXT:
        return text
    head, tail = MAX_TEXT - _TAIL - 1, len(text) - _TAIL
    while head and _is_joined(text, head):
        head -= 1
    while tail < len(text) and _is_joined(text, tail):
        tail += 1
    return f"{text[:head]}…{text[tail:]}"


def _is_joined(text: str, index: int) -> bool:
    """Return whether what stands at `index` is part of the character before it."""
    is_mark = unicodedata.category(text[index]).startswith("M")
    return is_mark or "\N{ZERO WIDTH JOINER}" in text[index - 1 : index + 1]


class GpcliError(Exception):
    """What failed and why (`message`), and what to do about it (`hint`, may be empty).

    `hint` speaks to a person. `cure` is the kind of advice that it begins with, where a machine
    that signs in by itself needs other words for it (`word_hint`); `None` = the hint is the same
    for both. `request_id` is what `--request-id` repeats: that of a write that was or may have
    been sent. `trace_id` is the `X-Request-ID` of the request that failed, which the portal may
    have logged. `retry_after` is the number of seconds after which the portal asked to try again.
    Texts may quote the portal: they are shortened here, and the writer sanitises them.
    `results` is what `Plan.send` would have returned, where a part was done all the same.
    `http_status` is that of the answer which the error tells of; `None` = it tells of none, or of
    several.
    """

    exit: ClassVar[Exit] = Exit.FAILURE
    code: ClassVar[str] = "failure"
    results: tuple[object, ...] = ()
    http_status: int | None = None

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        cure: Cure | None = None,
        request_id: str | None = None,
        trace_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.message = shorten(message)
        super().__init__(self.message)
        self.cure = cure
        self.request_id = request_id
        self.trace_id = trace_id
        self.retry_after = retry_after
        self._cure_hint = hint
        self._added_hint = ""

    @property
    def hint(self) -> str:
        """What a person can do about it; empty = nothing is known to help."""
        return self.word_hint(self._cure_hint)

    def word_hint(self, cure_hint: str) -> str:
        """Return the hint with `cure_hint` as its beginning; what was added to it stays."""
        return shorten(f"{cure_hint} {self._added_hint}".strip())

    def add_hint(self, sentence: str) -> None:
        """Add a sentence to the end of the hint, for persons and machines alike."""
        self._added_hint = f"{self._added_hint} {sentence}".strip()

    def rename_request(self, request_id: str) -> None:
        """Give the request another id that repeats it too, also where the hint names it."""
        if self.request_id:
            self._cure_hint = self._cure_hint.replace(self.request_id, request_id)
            self._added_hint = self._added_hint.replace(self.request_id, request_id)
        self.request_id = request_id

    def replace_hint(self, hint: str) -> None:
        """Replace the whole hint, what was added included; it is the same for machines then."""
        self._cure_hint, self._added_hint, self.cure = hint, "", None


class Failure(GpcliError):
    """Raised when something does not work and no other class says why. A group as well."""


class BadResponse(Failure):
    """Raised when a response breaks the standards: HTML, broken JSON, wrong types."""

    code = "bad_response"


class TlsError(Failure):
    """Raised when the portal's certificate can't be verified, or no safe TLS can be agreed on."""

    code = "tls"


class UsageError(GpcliError):
    """The command line or the configuration is wrong; nothing was sent. A base class."""

    exit = Exit.USAGE


class InvalidUsage(UsageError):
    """Raised for wrong options or arguments, alone or together."""

    code = "usage"


class InputNeeded(UsageError):
    """Raised when a value is missing and nobody can be asked for it."""

    code = "input_needed"


class ConfigError(UsageError):
    """Raised when a file of gpcli's own or an environment variable is wrong or can't be used."""

    code = "config"


class Missing(GpcliError):
    """What was named does not exist. A base class."""

    exit = Exit.NOT_FOUND


class NotFound(Missing):
    """Raised when the id, profile, person or file that was named does not exist."""

    code = "not_found"


class NoSlot(Missing):
    """Raised when no free time matches what was asked for."""

    code = "no_slot"


class SignInError(GpcliError):
    """There is no usable sign-in. A base class."""

    exit = Exit.SIGN_IN


class NotSignedIn(SignInError):
    """Raised when nobody is signed in at this portal, or no portal is known yet."""

    code = "not_signed_in"


class Expired(SignInError):
    """Raised when the portal no longer accepts the token and it can't be renewed."""

    code = "expired"


class SignInRefused(SignInError):
    """Raised when a sign-in was refused, by the portal or the person, or can't be trusted."""

    code = "sign_in_refused"


class NoKeyring(SignInError):
    """Raised when the operating system has no usable keyring for the session."""

    code = "no_keyring"


class NoToken(SignInError):
    """Raised when the token command prints no access token."""

    code = "no_token"


class WrongHost(SignInError):
    """Raised before a request would go to another host or path, or leave unencrypted."""

    code = "wrong_host"


class NotAllowed(GpcliError):
    """The person may not do this, or not now. A base class."""

    exit = Exit.NOT_ALLOWED


class NotOffered(NotAllowed):
    """Raised when the GP does not offer the service."""

    code = "not_offered"


class OffForNow(NotAllowed):
    """Raised when the GP offers the service, but has switched it off for a time."""

    code = "off_for_now"


class ConsentNeeded(NotAllowed):
    """Raised when the service needs consent to Full Access, which the person has not given."""

    code = "consent_needed"


class NotPermitted(NotAllowed):
    """Raised when the sign-in did not grant what is needed, or the portal does not support it."""

    code = "not_permitted"


class ProductionGuard(NotAllowed):
    """Raised when a CI run would use a production portal."""

    code = "production_guard"


class Unavailable(GpcliError):
    """The portal can't be reached or can't answer now; later may work. A base class."""

    exit = Exit.UNAVAILABLE


class Unreachable(Unavailable):
    """Raised when there is no connection to the portal, or it breaks."""

    code = "unreachable"


class TimedOut(Unavailable):
    """Raised when the portal, or another gpcli with a lock, takes longer than the time limit."""

    code = "timeout"


class RateLimited(Unavailable):
    """Raised when the portal asks to slow down (429) and the time limit allows no other try."""

    code = "rate_limited"


class PortalError(Unavailable):
    """Raised when the portal fails (5xx, but for 501) after all retries."""

    code = "portal_error"


class Refused(GpcliError):
    """The portal refused, or the request repeats or contradicts another one. A base class."""

    exit = Exit.REJECTED


class SlotTaken(Refused):
    """Raised when somebody else has taken the time."""

    code = "slot_taken"


class TooLate(Refused):
    """Raised when the time for this has passed."""

    code = "too_late"


class AlreadyBooked(Refused):
    """Raised when there is a coming booking or an open enquiry for the same service."""

    code = "already_booked"


class AlreadyAnswered(Refused):
    """Raised when the surgery has closed the thread or handled the request already."""

    code = "already_answered"


class Rejected(Refused):
    """Raised when the portal refuses for a reason that it gives in its own words."""

    code = "rejected"


class Conflict(Refused):
    """Raised when the request id was used for something else, or the record has changed since."""

    code = "conflict"


class Partial(GpcliError):
    """Raised after the result was shown, when a part of it failed or had to be left out."""

    exit = Exit.PARTIAL
    code = "partial"


class NotConfirmed(GpcliError):
    """The person did not agree; nothing was sent. A base class."""

    exit = Exit.CANCELLED


class Declined(NotConfirmed):
    """Raised when the person answers no."""

    code = "declined"


class ConfirmationNeeded(NotConfirmed):
    """Raised without `--yes` when nobody can be asked to agree."""

    code = "confirmation_needed"


class FeeNotAccepted(NotConfirmed):
    """Raised when sending costs money and `--accept-fee` does not cover it."""

    code = "fee_not_accepted"


class PlanChanged(NotConfirmed):
    """Raised when what a plan showed is no longer so, and nobody has seen what is so now."""

    code = "plan_changed"


class OutcomeUnknown(GpcliError):
    """Raised when a write was sent and nothing shows whether it was done."""

    exit = Exit.UNKNOWN
    code = "outcome_unknown"


class SmokeFailed(GpcliError):
    """Raised when a check of `gpcli smoke` failed; the report is on stdout all the same."""

    exit = Exit.SMOKE_FAILED
    code = "smoke_failed"


class Unexpected(GpcliError):
    """Raised for an error of gpcli itself."""

    exit = Exit.BUG
    code = "unexpected"


class NotExecutable(GpcliError):
    """Raised when the command of `sandbox run` is there and can't be run."""

    exit = Exit.NOT_EXECUTABLE
    code = "not_executable"


class NoProgram(GpcliError):
    """Raised when there is no such command as `sandbox run` is to run."""

    exit = Exit.NO_PROGRAM
    code = "no_program"


def system_error(error: OSError) -> Failure:
    """Return the error for what the operating system refused, for a reason that it gives."""
    place = f"{error.filename}: " if error.filename else ""
    return Failure(f"The system refused: {place}{error.strerror or type(error).__name__}.")


def unexpected_error(error: BaseException) -> Unexpected:
    """Return the error to show for one that nobody foresaw."""
    return Unexpected(
        f"gpcli failed in a way that nobody foresaw ({type(error).__name__}).",
        hint="GPCLI_DEBUG=1 shows where. Nothing from your record is in it.",
    )


NEW_ID_HINT = "Use a new --request-id for a new request."


def request_id_conflict(what: str | None = None) -> Conflict:
    """Return the error for a request id under which something else was sent.

    `what` names that, where it is known.
    """
    made = f": {what}" if what else ""
    return Conflict(f"This --request-id was used for something else{made}.", hint=NEW_ID_HINT)


def list_coded_errors(kind: type[GpcliError] = GpcliError) -> Iterator[type[GpcliError]]:
    """Yield the error types that define an `error.code`, from `kind` downwards."""
    if "code" in vars(kind):
        yield kind
    for below in kind.__subclasses__():
        yield from list_coded_errors(below)
