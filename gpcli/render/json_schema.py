"""JSON Schemas (2020-12) of what each command answers with `--json`, and of the lines on stderr.

The shapes come from the types of the records, the words from `json_texts.toml`: a docstring speaks
to who reads this program, a description to who reads its JSON.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from importlib import resources
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    NewType,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from gpcli.errors import list_coded_errors
from gpcli.model.account import (
    Finding,
    KnownPortal,
    OwnCause,
    SignedOut,
    SignInState,
    SignInSummary,
)
from gpcli.model.appointment import Appointment, FluAnswer, Slot
from gpcli.model.change import RecordChange, WatchEvent, WatchStatus
from gpcli.model.day import Day
from gpcli.model.prescription import Prescription, Renewal, RenewalReceipt, WhyNot
from gpcli.model.receipt import AppointmentReceipt, ConsentReceipt, MoveReceipt, OutboxRequest
from gpcli.model.service import Consent, Service, Surgery
from gpcli.model.smoke import CheckReport, SmokeReport
from gpcli.model.thread import Conversation, MessageReceipt, Saved, Thread, ThreadReceipt
from gpcli.model.web_page import WebPage
from gpcli.render.stderr_lines import (
    ErrorLine,
    Failed,
    NoticeLine,
    PlanLine,
    ProgressLine,
    StderrLine,
    WarningLine,
)
from gpcli.render.view import Json, json_fields
from gpcli.render.views.account_views import (
    Answer,
    RunningSandbox,
    SandboxFault,
    SandboxPerson,
    SandboxVariables,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"

JSON_VERSION = 1
"""The version of the JSON interface. Only what breaks a program that reads it makes it grow: a key
taken away or given another meaning, never a new key or a new word."""

ANSWERS: dict[str, Any] = {
    "appointments list": list[Appointment],
    "appointments show": Appointment,
    "book": AppointmentReceipt | MoveReceipt,
    "cancel": AppointmentReceipt,
    "changes": list[RecordChange],
    "consent grant": ConsentReceipt,
    "consent show": list[Consent],
    "consent withdraw": ConsentReceipt,
    "contact": ThreadReceipt,
    "econsult join": Appointment,
    "econsult start": ThreadReceipt | AppointmentReceipt,
    "econsult withdraw": AppointmentReceipt,
    "flu": FluAnswer | AppointmentReceipt,
    "gp": list[Surgery],
    "login": SignInSummary,
    "logout": list[SignedOut],
    "messages list": list[Thread] | int,
    "messages mark-read": list[MessageReceipt],
    "messages reply": MessageReceipt,
    "messages save": list[Saved],
    "messages show": Conversation,
    "next": Appointment,
    "move": MoveReceipt,
    "open": WebPage,
    "outbox list": list[OutboxRequest],
    "outbox settle": list[OutboxRequest],
    "outbox show": OutboxRequest,
    "profile add": KnownPortal,
    "profile list": list[KnownPortal],
    "profile remove": KnownPortal,
    "profile show": KnownPortal,
    "profile use": KnownPortal,
    "rx list": list[Prescription],
    "rx renew": list[RenewalReceipt],
    "rx requests": list[Renewal],
    "rx show": Prescription,
    "rx withdraw": RenewalReceipt,
    "sandbox advance": datetime,
    "sandbox answer": list[Answer],
    "sandbox env": SandboxVariables,
    "sandbox fault add": list[SandboxFault],
    "sandbox fault clear": list[SandboxFault],
    "sandbox fault list": list[SandboxFault],
    "sandbox list": list[RunningSandbox],
    "sandbox people": list[SandboxPerson],
    "sandbox serve": str,
    "services": list[Service],
    "slots": list[Slot],
    "smoke": SmokeReport | list[CheckReport],
    "today": Day,
    "troubleshoot": list[Finding],
    "watch": WatchEvent | list[WatchStatus],
    "whoami": SignInState | list[SignInState],
}
"""Command -> the type of its answer: a record, a list of them, or either, as its options ask."""

STDERR_LINES: dict[str, Any] = {
    "error": ErrorLine,
    "notice": NoticeLine,
    "plan": PlanLine,
    "progress": ProgressLine,
    "stderr": StderrLine,
    "warning": WarningLine,
}
"""Kind of line on standard error -> its type; `stderr` is any of them."""

Schema = dict[str, Json]

_SCALAR_SCHEMAS: dict[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    Decimal: {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]+)?$"},
    Any: {},
    object: {},
}

OTHER_ANSWERS = {
    "api": "what the portal sends",
    "appointments export": "a calendar",
    "completion": "a script",
    "demo": "a show",
    "help": "a page, or a schema",
    "sandbox reset": "nothing",
    "sandbox run": "whatever the command writes that it runs",
}
"""The commands without an answer in JSON of gpcli's, and what each writes instead."""

_CODES = sorted({error.code for error in list_coded_errors()})

_CLOSED_SETS: dict[tuple[type, str], list[Any]] = {
    (Failed, "code"): _CODES,
    (Failed, "exit"): sorted({int(error.exit) for error in list_coded_errors()}),
    (WhyNot, "code"): _CODES,
    (Finding, "cause"): [*_CODES, *(cause.value for cause in OwnCause)],
}
"""The values of the keys that have a closed set of them which the key's type does not say."""


def list_schema_names() -> list[str]:
    """Return what `find_schema` takes: the commands with an answer in JSON, and `STDERR_LINES`."""
    return sorted([*ANSWERS, *STDERR_LINES])


def find_schema(name: str) -> Schema | None:
    """Return the schema of the answer of the command `name`, or of that kind of line on stderr.

    `None` = there is no such command, or it has no answer in JSON.
    """
    if name in ANSWERS:
        return build_schema(ANSWERS[name], name, f"The answer of gpcli {name}")
    if name in STDERR_LINES:
        return build_schema(STDERR_LINES[name], name, f"A line on standard error: {name}")
    return None


def build_schema(hint: Any, name: str, title: str) -> Schema:
    """Return the schema of what has the type `hint`.

    Every key of a dataclass is required; `null` is allowed where the field's type has `None`. All
    records are under `$defs`, by the names of their types.

    Raises: TypeError for a type that `to_json` does not know.
    """
    records: dict[str, Json] = {}
    described = _type_schema(hint, records)
    about = _read_texts("answers").get(name)
    return {
        "$schema": DIALECT,
        "$id": f"urn:gpcli:schema:{JSON_VERSION}:{name.replace(' ', '-')}",
        "title": title,
        **({"description": about} if about else {}),
        **described,
        **({"$defs": records} if records else {}),
    }


def _type_schema(hint: Any, records: dict[str, Json]) -> Schema:
    if isinstance(hint, NewType):
        return _type_schema(hint.__supertype__, records)
    if hint in _SCALAR_SCHEMAS:
        return dict(_SCALAR_SCHEMAS[hint])
    if isinstance(hint, type) and (is_dataclass(hint) or is_typeddict(hint)):
        return _reference_schema(hint, records)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_schema([member.value for member in hint])
    return _generic_schema(get_origin(hint), get_args(hint), records)


def _generic_schema(origin: object, parts: tuple[Any, ...], records: dict[str, Json]) -> Schema:
    if origin in (Union, UnionType):
        return _union_schema([_type_schema(part, records) for part in parts])
    if origin is Literal:
        return _enum_schema([*parts])
    if origin is dict:
        return {"type": "object", "additionalProperties": _type_schema(parts[1], records)}
    if origin is tuple and Ellipsis not in parts:
        return _tuple_schema([_type_schema(part, records) for part in parts])
    if origin in (tuple, list, frozenset):
        return {"type": "array", "items": _type_schema(parts[0], records)}
    raise TypeError(f"{origin or parts} has no JSON Schema")


def _reference_schema(kind: type, records: dict[str, Json]) -> Schema:
    if kind.__name__ not in records:
        records[kind.__name__] = {}  # ends the recursion of a type that contains itself
        records[kind.__name__] = _record_schema(kind, records)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _record_schema(kind: type, records: dict[str, Json]) -> Schema:
    hints = get_type_hints(kind)
    names = json_fields(kind) if is_dataclass(kind) else tuple(hints)
    required = getattr(kind, "__required_keys__", names)
    about = _read_texts(kind.__name__).get("object")
    return {
        "title": kind.__name__,
        **({"description": about} if about else {}),
        "type": "object",
        "properties": {name: _key_schema(kind, name, hints[name], records) for name in names},
        "required": [name for name in names if name in required],
        "additionalProperties": False,
    }


def _key_schema(kind: type, name: str, hint: Any, records: dict[str, Json]) -> Schema:
    words = _CLOSED_SETS.get((kind, name))
    schema = _enum_schema(words) if words else _type_schema(hint, records)
    if words and NoneType in get_args(hint):
        schema = _union_schema([schema, _SCALAR_SCHEMAS[NoneType]])
    about = find_description(kind, name)
    return {**schema, **({"description": about} if about else {})}


def find_description(kind: type, name: str) -> str | None:
    """Return what a key of a record means; `None` = no text tells it."""
    tables = [_read_texts(each.__name__) for each in _list_bases(kind)]
    return next((texts[name] for texts in (*tables, _read_texts("every")) if name in texts), None)


def _list_bases(kind: type) -> tuple[type, ...]:
    """Return `kind` and what it inherits from, which a TypedDict knows by another name."""
    return (*kind.__mro__, *getattr(kind, "__orig_bases__", ()))


@cache
def _read_all_texts() -> Mapping[str, dict[str, str]]:
    text = (resources.files("gpcli.render") / "json_texts.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _read_texts(table: str) -> dict[str, str]:
    return _read_all_texts().get(table, {})


def _enum_schema(values: list[Any]) -> Schema:
    kind = "string" if isinstance(values[0], str) else "integer"
    return {"type": kind, "enum": values}


def _tuple_schema(items: list[Schema]) -> Schema:
    return {"type": "array", "prefixItems": list(items), "items": False, "minItems": len(items)}


def _union_schema(choices: list[Schema]) -> Schema:
    if all(set(choice) == {"type"} for choice in choices):
        return {"type": [choice["type"] for choice in choices]}
    return {"anyOf": list(choices)}
