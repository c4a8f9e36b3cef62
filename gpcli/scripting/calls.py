"""What holds for every call from Python: right types, one at a time, errors in its words."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache, wraps
from threading import RLock
from types import NoneType, UnionType
from typing import (
    Any,
    Concatenate,
    Literal,
    NewType,
    ParamSpec,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from gpcli.app_context import AppContext
from gpcli.care.written_text import is_unicode
from gpcli.config.settings import check_not_empty
from gpcli.errors import GpcliError, InvalidUsage, ProductionGuard
from gpcli.run_errors import explain_error, explain_system_error

_OPTION = re.compile(r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)( (?='|[A-Z]{2}))?")
"""An option in an error's words, with the space before its value, if it has one."""

_SENDING = (
    (re.compile(r"--yes --accept-fee ([\w.]*\w)"), r"send(accept_fee='\1')"),
    (re.compile(r"--confirm (\w+)"), r"send(confirm='\1')"),
)
"""What agrees to a plan, in an error's words, and what does in Python."""

_PARAMETERS = {
    "another": "another=True",
    "as": "as_",
    "attach": "attachments",
    "from": "first",
    "low": "low=True",
    "message": "text",
    "message-file": "text",
    "to": "last",
    "via": "channel",
    "weekday": "weekdays",
    "with": "practitioner",
    "yes": "send()",
}
"""Parameters that are not called as the option of the command line is."""

VARIABLES = {
    "GPCLI_PORTAL": "url",
    "GPCLI_TOKEN": "token",
    "GPCLI_PATIENT": "patient",
    "GPCLI_ENVIRONMENT": "environment",
    "GPCLI_FHIR_USER": "fhir_user",
}
"""The variables of a machine's sign-in, and the arguments of `connect()` that stand for them."""


_GUARD_HINT = (
    "Give environment='staging' or 'sandbox' where it is one; "
    "GPCLI_ALLOW_PRODUCTION=environment lifts this."
)
"""The hint for a production portal in a CI run that arguments name."""

_CHECKED_LATER = frozenset({"text", "confirm"})
"""Text that may be empty, or is checked where more is known of it."""


class Session:
    """One connection to a portal, which one thread at a time uses.

    `has_url` tells that the portal was named by arguments, not by a profile or variables.
    """

    def __init__(self, context: AppContext, *, has_url: bool) -> None:
        self.context = context
        self._lock = RLock()
        self._is_open = True
        self._has_url = has_url

    def close(self) -> None:
        """Close the connections; every later call is refused."""
        with self._lock:
            self._is_open = False
            self.context.close()

    @contextmanager
    def use(self) -> Iterator[None]:
        """Run one call, which has the whole time limit and makes no request yet.

        Raises: InvalidUsage after `close`; the body's GpcliError or OSError, as a GpcliError in
        Python's words.
        """
        with self._lock:
            if not self._is_open:
                raise InvalidUsage(
                    "The portal is closed.",
                    hint="Use it, and its plans, inside `with gpcli.connect() as portal`.",
                )
            context = self.context
            context.restart_deadlines()
            context.options.request_id = context.sending.request = None
            context.sending.sent_request_id = context.sending.pending_request_id = None
            try:
                yield
            except GpcliError as error:
                known = explain_error(context, error)
                raise self._word_error(known) from known.__cause__
            except OSError as error:
                raise self._word_error(explain_system_error(context, error)) from error

    def _word_error(self, error: GpcliError) -> GpcliError:
        """Return the error, with parameters in place of options, and arguments of variables."""
        error.message = self._word(error.message)
        error.args = (error.message,)
        is_of_arguments = self._has_url and isinstance(error, ProductionGuard)
        error.replace_hint(_GUARD_HINT if is_of_arguments else self._word(error.hint))
        if error.hint:
            error.add_note(error.hint)
        return error

    def _word(self, text: str) -> str:
        for pattern, replacement in _SENDING:
            text = pattern.sub(replacement, text)
        worded = _OPTION.sub(lambda found: _word_option(found[1], has_value=bool(found[2])), text)
        if not self._has_url:
            return worded
        for variable, argument in VARIABLES.items():
            worded = re.sub(rf"\b{variable}\b", f"{argument}=", worded)
        return worded


def _word_option(option: str, *, has_value: bool) -> str:
    name = _PARAMETERS.get(option, option.replace("-", "_"))
    return f"{name}=" if has_value else name


class _HasSession(Protocol):
    @property
    def _session(self) -> Session:
        """The connection."""


Owner = TypeVar("Owner", bound=_HasSession)
P = ParamSpec("P")
R = TypeVar("R")


def public(method: Callable[Concatenate[Owner, P], R]) -> Callable[Concatenate[Owner, P], R]:
    """Make a call of the method one of its owner's session, with arguments that can be right.

    Raises: TypeError for an argument that is not what its annotation says, InvalidUsage for empty
    text and a limit below 1, and as `Session.use`.
    """

    @wraps(method)
    def call(owner: Owner, /, *args: P.args, **kwargs: P.kwargs) -> R:
        for name, value in check_types(method, owner, *args, **kwargs).items():
            _check_value(name, value)
        with owner._session.use():
            return method(owner, *args, **kwargs)

    return call


def _check_value(name: str, value: object) -> None:
    if isinstance(value, str) and name not in _CHECKED_LATER:
        check_sendable(name, check_not_empty(name, value))
    if name == "limit" and isinstance(value, int) and value < 1:
        raise InvalidUsage(f"{name} needs a whole number from 1.")


def check_sendable(name: str, text: str) -> str:
    """Return `text`; raise InvalidUsage, naming it, for what is no Unicode text."""
    if is_unicode(text):
        return text
    raise InvalidUsage(f"{name} has a character that can't be sent.")


def check_types(
    function: Callable[..., Any], *args: object, **kwargs: object
) -> Mapping[str, object]:
    """Return the arguments by their names.

    Raises: TypeError unless each is what the function's annotation says. Text is no sequence here,
    a time no date, and a truth value no number.
    """
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{function.__name__}(): {error}") from None
    hints = _read_hints(function)
    for name, value in bound.arguments.items():
        if name in hints and not _fits(value, hints[name]):
            given = repr(value) if _is_choice(hints[name]) else _describe_value(value)
            wanted = _describe(hints[name])
            raise TypeError(f"{name} takes {wanted}, not {given}")
    return bound.arguments


@cache
def _read_hints(function: Callable[..., Any]) -> dict[str, Any]:
    return {name: hint for name, hint in get_type_hints(function).items() if name != "return"}


def _fits(value: object, hint: Any) -> bool:
    if isinstance(hint, NewType):
        return _fits(value, hint.__supertype__)
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return value in parts
    if origin is not None:
        if not isinstance(value, origin) or isinstance(value, str | bytes):
            return False
        wanted = parts if origin is tuple else parts * len(value)
        return len(value) == len(wanted) and all(map(_fits, value, wanted))
    if isinstance(value, bool | datetime):  # which are an int and a date as well
        return hint is type(value)
    return isinstance(value, int | float if hint is float else hint)


def _describe_value(value: object) -> str:
    """Return the type of a value, and those of what it holds."""
    kind = type(value).__name__
    if not isinstance(value, Collection) or isinstance(value, str | bytes):
        return kind
    items = ", ".join(dict.fromkeys(type(each).__name__ for each in value))
    return f"{kind} of {items}" if items else kind


def _is_choice(hint: Any) -> bool:
    return any(get_origin(part) is Literal for part in (hint, *get_args(hint)))


def _describe(hint: Any) -> str:
    """Return the words for an annotation: `str or None`, `several of str`, `'a' or 'b'`."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(map(_describe, parts))
    if origin is Literal:
        return " or ".join(map(repr, parts))
    if origin is tuple:
        return f"({', '.join(map(_describe, parts))})"
    if origin is not None and issubclass(origin, Collection):
        return f"several of {_describe(parts[0])}"
    return "None" if hint is NoneType else str(hint.__name__)
