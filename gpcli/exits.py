"""Exit statuses: the numbers are interface, `gpcli help exit-codes` explains them."""

from enum import IntEnum


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
