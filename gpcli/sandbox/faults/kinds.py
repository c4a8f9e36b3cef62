"""The kinds of faults, as data: what parses rules, what acts and what documents read this table.

Standard library only, as for `control`.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple


class Value(NamedTuple):
    """What may stand behind the `=` of a fault or an option.

    `placeholder` stands for it in a page of help; `pattern` is what it has to match, in words
    `meaning`.
    """

    placeholder: str
    pattern: re.Pattern[str]
    meaning: str


REFUSAL = Value("NNN", re.compile(r"4\d\d", re.ASCII), "a status from 400 to 499")
ERROR = Value("NNN", re.compile(r"[45]\d\d", re.ASCII), "a status from 400 to 599")
STATUS = Value("NNN", re.compile(r"[2-5]\d\d", re.ASCII), "a status from 200 to 599")
TIME = Value(
    "TIME",
    re.compile(r"\d{1,5}(\.\d{1,3})?(ms|s|m|h|d)", re.ASCII),
    "a length of time such as 500ms, 3s, 2m or 1h",
)
OFFSET = Value(
    "±TIME",
    re.compile(r"[+-]\d{1,5}(\.\d{1,3})?(ms|s|m|h|d)", re.ASCII),
    "a step of time such as +300s or -2h",
)
PARAMETER = Value(
    "NAME", re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}"), "a search parameter such as status"
)
COUNT = Value("N", re.compile(r"\d{1,6}", re.ASCII), "a whole number")
RATE = Value("N", re.compile(r"[1-9]\d{0,5}", re.ASCII), "a whole number from 1")
CODE = Value(
    "CODE",
    re.compile(r"[a-z][a-z0-9-]{0,63}"),
    "a code of urn:gpcli:problem such as slot-taken, or any other: a-z, 0-9 and -",
)

OPTIONS = {"problem": CODE, "retry-after": COUNT}
"""What may follow a fault that answers with an error."""

ANY = ""
"""Acts on whatever is asked for."""
SEARCHES, WRITES, CREATES, UPDATES = "searches", "writes", "creates", "updates"
READS_AND_SEARCHES = "reads and searches"


class FaultKind(NamedTuple):
    """One kind of fault.

    `is_whole` = it acts on the HTTP request, which has a fault if one entry of its Bundle matches;
    else on the entry alone. `on` says which interactions it acts on, ANY for all. `value` is what
    may stand behind its `=`; `default` is used where nothing stands there, None = it must.
    """

    name: str
    is_whole: bool
    text: str
    on: str = ANY
    value: Value | None = None
    default: str | None = None
    options: Sequence[str] = ()

    @property
    def form(self) -> str:
        """How it is written, with what may follow: `status=NNN [problem=CODE]`."""
        written = self.name
        if self.value is not None:
            part = f"={self.value.placeholder}"
            written += part if self.default is None else f"[{part}]"
        options = (f" [{name}={OPTIONS[name].placeholder}]" for name in self.options)
        return written + "".join(options)


_ERROR_OPTIONS = ("problem", "retry-after")

KINDS = (
    FaultKind("delay", True, "The request is done, and answered, TIME later", value=TIME),
    FaultKind("lost-request", True, "The connection is closed, and nothing is done"),
    FaultKind(
        "status",
        True,
        "Answered NNN with an OperationOutcome, and nothing is done; status= may be left out",
        value=ERROR,
        options=_ERROR_OPTIONS,
    ),
    FaultKind("html", True, "Answered by a page of HTML with status 200, and nothing is done"),
    FaultKind(
        "refuse",
        False,
        "Refused with 403 or NNN and an OperationOutcome; in a batch, this entry alone",
        value=REFUSAL,
        default="403",
        options=_ERROR_OPTIONS,
    ),
    FaultKind("expired-token", True, "The access token is no longer valid from now on, so 401"),
    FaultKind(
        "revoked-session", True, "The access token and its refresh token are no longer valid"
    ),
    FaultKind("any-token", True, "Done for whoever asks, without a valid token, and for everybody"),
    FaultKind(
        "slot-taken", False, "Another patient takes the slot before this is done, so 409", WRITES
    ),
    FaultKind("double-booking", False, "A slot that is taken is given once more", WRITES),
    FaultKind(
        "ignored-parameter",
        False,
        "The search parameter NAME is ignored",
        SEARCHES,
        value=PARAMETER,
    ),
    FaultKind("ignored-if-none-exist", False, "If-None-Exist is ignored", CREATES),
    FaultKind("ignored-if-match", False, "If-Match is ignored", UPDATES),
    FaultKind("lost-identifier", False, "What is created loses its identifier", WRITES),
    FaultKind("unsaved", True, "Answered as if it were done, and nothing is stored", WRITES),
    FaultKind(
        "late-commit",
        True,
        "The connection is closed, and it is done when the portal's clock is TIME further",
        WRITES,
        value=TIME,
    ),
    FaultKind("wrong-total", False, "The total of a search is one too many", SEARCHES),
    FaultKind("lost-entry", False, "The last match of a page is missing", SEARCHES),
    FaultKind("lost-next", False, "A page has no link to the next one", SEARCHES),
    FaultKind("repeated-page", False, "A page's link to the next one leads to itself", SEARCHES),
    FaultKind(
        "other-patient",
        False,
        "A search finds a record of another patient too; a read gives one",
        READS_AND_SEARCHES,
    ),
    FaultKind("hostile-text", False, "Words hold control sequences, and turn their direction"),
    FaultKind("wrong-status", False, "The status is NNN, whatever was done", value=STATUS),
    FaultKind("lost-etag", False, "The answer has no ETag"),
    FaultKind("lost-outcome", False, "An error has no OperationOutcome"),
    FaultKind("clock", True, "Date and the iat of an ID token are off by TIME", value=OFFSET),
    FaultKind("bad-json", True, "Done, and the JSON of the answer is cut off"),
    FaultKind("huge-body", True, "Done, and 64 MiB of blanks follow the answer"),
    FaultKind(
        "slow-drip",
        True,
        "Done, and the answer comes at N bytes a second, or 16",
        value=RATE,
        default="16",
    ),
    FaultKind("cut-reply", True, "Done, and the connection is closed in the middle of the answer"),
    FaultKind("lost-reply", True, "Done, and the connection is closed without an answer"),
)
"""All kinds, in the order in which they act on a request."""

KIND_BY_NAME = {kind.name: kind for kind in KINDS}


class Selector(NamedTuple):
    """Which of the requests that match have the fault: how it is written, and what it means.

    What looks like `attempt` is meant to be one; `number` says which numbers it has.
    """

    form: str
    pattern: re.Pattern[str]
    text: str
    attempt: re.Pattern[str]
    number: str = ""

    def is_meant(self, word: str) -> bool:
        """Return whether a word looks like this one."""
        return self.attempt.fullmatch(word) is not None


_FROM_ONE = "N is a whole number from 1 to 999999"
SELECTORS = {
    "once": Selector("once", re.compile(r"once"), "the first one", re.compile(r"once")),
    "first": Selector(
        "xN",
        re.compile("[x\u00d7]([1-9][0-9]{0,5})"),
        "the first N; also \u00d7N",
        re.compile("[x\u00d7]-?[0-9.]*"),
        _FROM_ONE,
    ),
    "nth": Selector(
        "nth=N",
        re.compile(r"nth=([1-9]\d{0,5})", re.ASCII),
        "the N-th one alone",
        re.compile(r"nth(=.*)?"),
        _FROM_ONE,
    ),
    "share": Selector(
        "N%",
        re.compile(r"(100|[1-9]\d?(?:\.\d{1,3})?|0\.\d{0,2}[1-9])%", re.ASCII),
        "each with this chance, drawn with --seed",
        re.compile(r".*%"),
        "N is over 0 and at most 100, with three decimals at most",
    ),
}
"""By name; without one, it is every request that matches."""

METHODS = ("*", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
BUNDLES = ("batch", "transaction")
"""What a Bundle that is sent to the base address is called in a rule."""
ENDPOINTS = (
    "metadata",
    ".well-known/smart-configuration",
    ".well-known/openid-configuration",
    "jwks",
    "authorize",
    "sign-in",
    "token",
    "revoke",
    "device_authorization",
    "device",
)
"""What a rule can name besides records and Bundles."""
