"""JSON Schema (2020-12) of what each command answers with `--json`."""

from __future__ import annotations

from dataclasses import is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from inspect import getdoc
from types import NoneType, UnionType
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

from gpcli.model.account import KnownPortal, SignedOut, SignInState, SignInSummary
from gpcli.model.appointment import Appointment, FluAnswer, Slot
from gpcli.model.finding import Finding
from gpcli.model.prescription import Prescription, Renewal, RenewalReceipt
from gpcli.model.receipt import AppointmentReceipt, ConsentReceipt
from gpcli.model.service import Consent, Service, Surgery
from gpcli.model.thread import Conversation, MessageReceipt, SavedAttachment, Thread, ThreadReceipt
from gpcli.render.view import Json, json_fields
from gpcli.render.views.tool_views import SandboxPerson, SurgeryAnswer

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Json]

_OUTSIDE = frozenset({"$schema", "$defs"})

_SCALARS: dict[object, Schema] = {
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


def schema_of(kind: type) -> Schema:
    """Describe the JSON object of a dataclass: every key required, `null` where allowed.

    The docstring is the description; nested dataclasses stand under `$defs`. Raises TypeError
    for a type that `record_of` does not know.
    """
    nested: dict[str, Json] = {}
    described = _object(kind, nested)
    return {"$schema": DIALECT, **described, **({"$defs": nested} if nested else {})}


def array_of(schema: Schema) -> Schema:
    """Describe an array of what `schema`, as `schema_of` gives it, describes."""
    outside = {key: part for key, part in schema.items() if key in _OUTSIDE}
    items: Json = {key: part for key, part in schema.items() if key not in outside}
    return {**outside, "type": "array", "items": items}


def _object(kind: type, nested: dict[str, Json]) -> Schema:
    hints = get_type_hints(kind)
    names = json_fields(kind)
    properties: dict[str, Json] = {name: _schema(hints[name], nested) for name in names}
    return {
        "title": kind.__name__,
        "description": getdoc(kind) or "",
        "type": "object",
        "properties": properties,
        "required": list(names),
        "additionalProperties": False,
    }


def _schema(hint: Any, nested: dict[str, Json]) -> Schema:
    if isinstance(hint, NewType):
        return _schema(hint.__supertype__, nested)
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    if isinstance(hint, type) and is_dataclass(hint):
        return _reference(hint, nested)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _one_of_values([member.value for member in hint])
    return _generic(get_origin(hint), get_args(hint), nested)


def _generic(origin: object, parts: tuple[Any, ...], nested: dict[str, Json]) -> Schema:
    if origin in (Union, UnionType):
        return _union([_schema(part, nested) for part in parts])
    if origin is Literal:
        return _one_of_values(list(parts))
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(parts[1], nested)}
    if origin is tuple and Ellipsis not in parts:
        return _fixed_array([_schema(part, nested) for part in parts])
    if origin in (tuple, list, frozenset):
        return {"type": "array", "items": _schema(parts[0], nested)}
    raise TypeError(f"{origin or parts} has no JSON Schema")


def _reference(kind: type, nested: dict[str, Json]) -> Schema:
    if kind.__name__ not in nested:
        nested[kind.__name__] = {}  # so that a type that holds itself is met once
        nested[kind.__name__] = _object(kind, nested)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _one_of_values(values: list[Any]) -> Schema:
    return {"enum": values}


def _fixed_array(items: list[Schema]) -> Schema:
    return {"type": "array", "prefixItems": list(items), "items": False, "minItems": len(items)}


def _union(choices: list[Schema]) -> Schema:
    simple = all(set(choice) == {"type"} for choice in choices)
    if simple:
        return {"type": [choice["type"] for choice in choices]}
    return {"anyOf": list(choices)}


LISTS: dict[str, type] = {
    "appointments list": Appointment,
    "consent show": Consent,
    "gp": Surgery,
    "logout": SignedOut,
    "messages list": Thread,
    "messages mark-read": MessageReceipt,
    "messages save": SavedAttachment,
    "profile list": KnownPortal,
    "rx list": Prescription,
    "rx renew": RenewalReceipt,
    "rx requests": Renewal,
    "sandbox answer": SurgeryAnswer,
    "sandbox people": SandboxPerson,
    "services": Service,
    "slots": Slot,
    "troubleshoot": Finding,
}
"""Command -> what its array holds."""

ITEMS: dict[str, tuple[type, ...]] = {
    "appointments show": (Appointment,),
    "book": (AppointmentReceipt,),
    "cancel": (AppointmentReceipt,),
    "consent grant": (ConsentReceipt,),
    "consent withdraw": (ConsentReceipt,),
    "contact": (ThreadReceipt,),
    "econsult join": (Appointment,),
    "econsult start": (ThreadReceipt, AppointmentReceipt),
    "econsult withdraw": (AppointmentReceipt,),
    "flu": (FluAnswer, AppointmentReceipt),
    "messages reply": (MessageReceipt,),
    "messages show": (Conversation,),
    "login": (SignInSummary,),
    "profile add": (KnownPortal,),
    "profile remove": (KnownPortal,),
    "profile show": (KnownPortal,),
    "profile use": (KnownPortal,),
    "rx show": (Prescription,),
    "rx withdraw": (RenewalReceipt,),
    "whoami": (SignInState,),
}
"""Command -> what its object is, or may be: `flu` gives a receipt only when it books."""


def schema_for(command: str) -> Schema | None:
    """The schema of a command's answer, `None` for commands that have no answer in JSON.

    `whoami --all` answers with an array of what `whoami` answers with.
    """
    if command in LISTS:
        return array_of(schema_of(LISTS[command]))
    kinds = ITEMS.get(command)
    if kinds is None:
        return None
    if len(kinds) == 1:
        return schema_of(kinds[0])
    return _any_of([schema_of(kind) for kind in kinds])


def _any_of(schemas: list[Schema]) -> Schema:
    """One schema for several; what they share stands at the top, where references look for it."""
    shared: dict[str, Json] = {}
    for schema in schemas:
        nested = schema.get("$defs")
        shared |= nested if isinstance(nested, dict) else {}
    outside = {"$schema", "$defs"}
    choices: list[Json] = [
        {key: part for key, part in schema.items() if key not in outside} for schema in schemas
    ]
    return {"$schema": DIALECT, "anyOf": choices, "$defs": shared}
