"""Every way a command can end badly, below GpcliError: meaning, exit code, `error.code` word.

├─ Failure (1)          BadResponse, TlsError
├─ UsageError (2)       InvalidUsage, InputNeeded, ConfigError
├─ Missing (3)          NotFound, NoSlot
├─ SignInError (4)      NotSignedIn, Expired, SignInRefused, NoKeyring, NoToken, WrongHost
├─ NotAllowed (5)       NotOffered, OffForNow, ConsentNeeded, NotPermitted, ProductionGuard
├─ Unavailable (6)      Unreachable, TimedOut, RateLimited, PortalError
├─ Refused (7)          SlotTaken, TooLate, AlreadyBooked, AlreadyAnswered, Rejected, Conflict
├─ Partial (8)
├─ NotConfirmed (9)     Declined, ConfirmationNeeded, FeeNotAccepted
├─ OutcomeUnknown (10)
└─ Unexpected (70)

`exit` numbers and `code` words are interface: `gpcli help exit-codes` prints them.
"""

from __future__ import annotations

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
    INTERRUPTED = 130
    CLOSED_PIPE = 141
    TERMINATED = 143


class Cure(StrEnum):
    """The kind of cure of an error for which a person and a machine need different words."""

    SIGN_IN = "sign_in"
    """Access has ended or was refused: only other credentials help."""

    MORE_RIGHTS = "more_rights"
    """The credentials do not permit it: only ones that permit more help."""


class GpcliError(Exception):
    """What failed and why (`message`), and what to do about it (`hint`, may be empty).

    `hint` has a person's words. `cure` is the kind of cure that they describe, where a machine that
    signs in by itself needs other words; `None` = everybody needs the same. `request_id` is what
    the portal logged the request under; `retry_after` is the seconds after which it said that
    trying again makes sense. Texts may quote the portal: the writer sanitises them.
    """

    exit: ClassVar[Exit] = Exit.FAILURE
    code: ClassVar[str] = "failure"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        cure: Cure | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        self.request_id = request_id
        self.retry_after = retry_after
        self._cure_words = hint
        self._more_words = ""

    @property
    def hint(self) -> str:
        """What to do about it, in a person's words; empty = nothing is known to help."""
        return self.word_hint(self._cure_words)

    def word_hint(self, cure_words: str) -> str:
        """Return the hint with other words for its cure; what was added to it stays."""
        return f"{cure_words} {self._more_words}".strip()

    def add_hint(self, sentence: str) -> None:
        """Add a sentence that everybody needs."""
        self._more_words = f"{self._more_words} {sentence}".strip()

    def replace_hint(self, hint: str) -> None:
        """Set the hint for everybody, in place of all that it said."""
        self._cure_words, self._more_words, self.cure = hint, "", None


class Failure(GpcliError):
    """The portal can't be used as it is."""


class BadResponse(Failure):
    """The portal's answer is not what its standards say: HTML, broken JSON, wrong types."""

    code = "bad_response"


class TlsError(Failure):
    """The portal's certificate is not to be trusted."""

    code = "tls"


class UsageError(GpcliError):
    """The command line or the configuration is wrong; nothing was sent."""

    exit = Exit.USAGE


class InvalidUsage(UsageError):
    """Wrong flags or arguments."""

    code = "usage"


class InputNeeded(UsageError):
    """A value is needed and there is nobody to ask."""

    code = "input_needed"


class ConfigError(UsageError):
    """The configuration file or an environment variable is wrong."""

    code = "config"


class Missing(GpcliError):
    """What was named does not exist."""

    exit = Exit.NOT_FOUND


class NotFound(Missing):
    """An id, profile, person or file that does not exist."""

    code = "not_found"


class NoSlot(Missing):
    """No time matches what was asked for."""

    code = "no_slot"


class SignInError(GpcliError):
    """Nobody is signed in, or sign-in did not work."""

    exit = Exit.SIGN_IN


class NotSignedIn(SignInError):
    """Nobody is signed in at this portal."""

    code = "not_signed_in"


class Expired(SignInError):
    """The session is over; only a new sign-in helps."""

    code = "expired"


class SignInRefused(SignInError):
    """The portal, or the person at its page, refused the sign-in."""

    code = "sign_in_refused"


class NoKeyring(SignInError):
    """No usable OS keyring to keep the session in."""

    code = "no_keyring"


class NoToken(SignInError):
    """The command that should print an access token did not."""

    code = "no_token"


class WrongHost(SignInError):
    """A request with a token was about to leave for another host; it was not sent."""

    code = "wrong_host"


class NotAllowed(GpcliError):
    """The person may not do this, or not now."""

    exit = Exit.NOT_ALLOWED


class NotOffered(NotAllowed):
    """The GP does not offer the service."""

    code = "not_offered"


class OffForNow(NotAllowed):
    """The GP offers the service, but has switched it off for a time."""

    code = "off_for_now"


class ConsentNeeded(NotAllowed):
    """The service needs consent to Full Access."""

    code = "consent_needed"


class NotPermitted(NotAllowed):
    """The sign-in did not grant what this needs, or the portal does not support it."""

    code = "not_permitted"


class ProductionGuard(NotAllowed):
    """A CI run must not touch a production portal."""

    code = "production_guard"


class Unavailable(GpcliError):
    """The portal can't be reached or can't answer now; later may work."""

    exit = Exit.UNAVAILABLE


class Unreachable(Unavailable):
    """No connection to the portal."""

    code = "unreachable"


class TimedOut(Unavailable):
    """The portal did not answer within the command's time limit."""

    code = "timeout"


class RateLimited(Unavailable):
    """The portal asks to slow down."""

    code = "rate_limited"


class PortalError(Unavailable):
    """The portal failed (5xx, but for 501) after all retries."""

    code = "portal_error"


class Refused(GpcliError):
    """The portal understood and said no, or the request would repeat or contradict another."""

    exit = Exit.REJECTED


class SlotTaken(Refused):
    """Somebody else has the time."""

    code = "slot_taken"


class TooLate(Refused):
    """The deadline has passed."""

    code = "too_late"


class AlreadyBooked(Refused):
    """There is a coming booking or an open enquiry for the same service."""

    code = "already_booked"


class AlreadyAnswered(Refused):
    """The surgery has settled it already: the thread is closed, the request handled."""

    code = "already_answered"


class Rejected(Refused):
    """The portal refused, in its own words."""

    code = "rejected"


class Conflict(Refused):
    """The same request id was used for something else, or the record changed meanwhile."""

    code = "conflict"


class Partial(GpcliError):
    """Some of it worked and is shown; the rest did not."""

    exit = Exit.PARTIAL
    code = "partial"


class NotConfirmed(GpcliError):
    """The person did not agree; nothing was sent."""

    exit = Exit.CANCELLED


class Declined(NotConfirmed):
    """The person said no."""

    code = "declined"


class ConfirmationNeeded(NotConfirmed):
    """`--yes` was needed and nobody could be asked."""

    code = "confirmation_needed"


class FeeNotAccepted(NotConfirmed):
    """Sending costs money and `--accept-fee` does not cover it."""

    code = "fee_not_accepted"


class OutcomeUnknown(GpcliError):
    """A write went out and no answer came: it may or may not have been done."""

    exit = Exit.UNKNOWN
    code = "outcome_unknown"


class Unexpected(GpcliError):
    """A fault of gpcli itself."""

    exit = Exit.BUG
    code = "unexpected"
