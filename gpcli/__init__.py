"""gpcli: a patient's command line to their GP's online services.

From Python, `with gpcli.connect() as portal` gives a portal that reads what the commands read, and
plans what they send (docs/python.md). Its records are in `gpcli.model`.
"""

__version__ = "0.1.0"

__all__ = [
    "AlreadyAnswered",
    "AlreadyBooked",
    "AttachedFile",
    "BadResponse",
    "ConfigError",
    "ConfirmationNeeded",
    "Conflict",
    "ConsentNeeded",
    "Declined",
    "Expired",
    "Failure",
    "FeeNotAccepted",
    "GpcliError",
    "InputNeeded",
    "InvalidUsage",
    "Missing",
    "NoKeyring",
    "NoProgram",
    "NoSlot",
    "NoToken",
    "NotAllowed",
    "NotConfirmed",
    "NotExecutable",
    "NotFound",
    "NotOffered",
    "NotPermitted",
    "NotSignedIn",
    "OffForNow",
    "OutcomeUnknown",
    "Partial",
    "PatientPortal",
    "Plan",
    "PlanChanged",
    "PortalError",
    "ProductionGuard",
    "RateLimited",
    "Refused",
    "Rejected",
    "SignInError",
    "SignInRefused",
    "SlotTaken",
    "SmokeFailed",
    "TimeFilter",
    "TimedOut",
    "TlsError",
    "TooLate",
    "Unavailable",
    "Unexpected",
    "Unreachable",
    "UsageError",
    "WrongHost",
    "__version__",
    "connect",
    "to_json",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from gpcli.errors import (
        AlreadyAnswered,
        AlreadyBooked,
        BadResponse,
        ConfigError,
        ConfirmationNeeded,
        Conflict,
        ConsentNeeded,
        Declined,
        Expired,
        Failure,
        FeeNotAccepted,
        GpcliError,
        InputNeeded,
        InvalidUsage,
        Missing,
        NoKeyring,
        NoProgram,
        NoSlot,
        NotAllowed,
        NotConfirmed,
        NotExecutable,
        NotFound,
        NotOffered,
        NoToken,
        NotPermitted,
        NotSignedIn,
        OffForNow,
        OutcomeUnknown,
        Partial,
        PlanChanged,
        PortalError,
        ProductionGuard,
        RateLimited,
        Refused,
        Rejected,
        SignInError,
        SignInRefused,
        SlotTaken,
        SmokeFailed,
        TimedOut,
        TlsError,
        TooLate,
        Unavailable,
        Unexpected,
        Unreachable,
        UsageError,
        WrongHost,
    )
    from gpcli.model.account import Environment
    from gpcli.model.thread import AttachedFile
    from gpcli.scripting.plan import Plan
    from gpcli.scripting.portal import PatientPortal
    from gpcli.scripting.records import to_json
    from gpcli.scripting.time_filter import TimeFilter
else:

    def __getattr__(name: str) -> object:
        """Return what `__all__` names, imported when it is first asked for."""
        if name not in __all__:
            raise AttributeError(f"module 'gpcli' has no attribute '{name}'")
        from importlib import import_module  # noqa: PLC0415  (start-up: the version costs nothing)

        return getattr(import_module(_PLACES.get(name, "gpcli.errors")), name)


def __dir__() -> list[str]:
    """Return what `__all__` names, imported or not."""
    return sorted(__all__)


_PLACES = {
    "AttachedFile": "gpcli.model.thread",
    "PatientPortal": "gpcli.scripting.portal",
    "Plan": "gpcli.scripting.plan",
    "TimeFilter": "gpcli.scripting.time_filter",
    "to_json": "gpcli.scripting.records",
}
"""The modules of what is no error."""


def connect(
    profile: str | None = None,
    *,
    as_: str | None = None,
    url: str | None = None,
    token: str | None = None,
    patient: str | None = None,
    environment: "Environment | None" = None,
    fhir_user: str | None = None,
    timeout: float | None = None,
) -> "AbstractContextManager[PatientPortal]":
    """Return a context manager that gives the portal of one patient.

    Portal and person are chosen as the command line chooses them: `profile` and `as_` are what
    `--profile` and `--as` take, and the same environment variables count; where several people are
    signed in, `as_` has to name one. Or they are given: `url`, the portal's FHIR base, with an
    access `token` and the `patient`'s id there; then neither profile, keyring nor those variables
    count. `environment` is what the portal is, production unless given; `fhir_user` is the
    reference of who acts for the patient. `patient` alone is for a profile by which a machine signs
    in. `timeout` is the time limit of each call, in seconds. Nobody is ever asked. Leaving it
    closes the connections.

    Raises: TypeError, InvalidUsage for arguments that do not go together. On entering, GpcliError
    where nobody is signed in, there is no keyring, the configuration is wrong, or a CI run would
    use a production portal.
    """
    from gpcli.scripting.connection import (  # noqa: PLC0415  (start-up: the version costs nothing)
        Arguments,
        open_portal,
    )

    return open_portal(
        Arguments(profile, as_, url, token, patient, environment, fhir_user, timeout)
    )
