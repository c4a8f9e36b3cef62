"""JSON Schema (2020-12) of the answer of each command with `--json`."""

from __future__ import annotations

from dataclasses import is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from inspect import getdoc
from types import NoneType, UnionType
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

from gpcli.model.account import Finding, KnownPortal, SignedOut, SignInState, SignInSummary
from gpcli.model.appointment import Appointment, FluAnswer, Slot
from gpcli.model.prescription import Prescription, Renewal, RenewalReceipt
from gpcli.model.receipt import AppointmentReceipt, ConsentReceipt, OutboxRequest
from gpcli.model.service import Consent, Service, Surgery
from gpcli.model.thread import Conversation, MessageReceipt, Saved, Thread, ThreadReceipt
from gpcli.render.view import Json, json_fields
from gpcli.render.views.account_views import (
    Answer,
    RunningSandbox,
    SandboxPerson,
    SandboxVariables,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Json]

_ROOT_KEYS = frozenset({"$schema", "$defs"})

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


def build_schema(kind: type) -> Schema:
    """Return the schema of the JSON object of a dataclass.

    Every key is required; `null` is allowed where the field's type has `None`. The docstring is
    the description; nested dataclasses are under `$defs`.

    Raises: TypeError for a type that `to_json_object` does not know.
    """
    nested: dict[str, Json] = {}
    described = _object_schema(kind, nested)
    return {"$schema": DIALECT, **described, **({"$defs": nested} if nested else {})}


def build_array_schema(schema: Schema) -> Schema:
    """Return the schema of an array whose items `schema` describes."""
    root = {key: part for key, part in schema.items() if key in _ROOT_KEYS}
    items: Json = {key: part for key, part in schema.items() if key not in root}
    return {**root, "type": "array", "items": items}


def _object_schema(kind: type, nested: dict[str, Json]) -> Schema:
    hints = get_type_hints(kind)
    names = json_fields(kind)
    properties: dict[str, Json] = {name: _type_schema(hints[name], nested) for name in names}
    return {
        "title": kind.__name__,
        "description": getdoc(kind) or "",
        "type": "object",
        "properties": properties,
        "required": list(names),
        "additionalProperties": False,
    }


def _type_schema(hint: Any, nested: dict[str, Json]) -> Schema:
    if isinstance(hint, NewType):
        return _type_schema(hint.__supertype__, nested)
    if hint in _SCALAR_SCHEMAS:
        return dict(_SCALAR_SCHEMAS[hint])
    if isinstance(hint, type) and is_dataclass(hint):
        return _reference_schema(hint, nested)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_schema([member.value for member in hint])
    return _generic_schema(get_origin(hint), get_args(hint), nested)


def _generic_schema(origin: object, parts: tuple[Any, ...], nested: dict[str, Json]) -> Schema:
    if origin in (Union, UnionType):
        return _union_schema([_type_schema(part, nested) for part in parts])
    if origin is Literal:
        return _enum_schema(list(parts))
    if origin is dict:
        return {"type": "object", "additionalProperties": _type_schema(parts[1], nested)}
    if origin is tuple and Ellipsis not in parts:
        return _tuple_schema([_type_schema(part, nested) for part in parts])
    if origin in (tuple, list, frozenset):
        return {"type": "array", "items": _type_schema(parts[0], nested)}
    raise TypeError(f"{origin or parts} has no JSON Schema")


def _reference_schema(kind: type, nested: dict[str, Json]) -> Schema:
    if kind.__name__ not in nested:
        nested[kind.__name__] = {}  # ends the recursion of a type that contains itself
        nested[kind.__name__] = _object_schema(kind, nested)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _enum_schema(values: list[Any]) -> Schema:
    return {"enum": values}


def _tuple_schema(items: list[Schema]) -> Schema:
    return {"type": "array", "prefixItems": list(items), "items": False, "minItems": len(items)}


def _union_schema(choices: list[Schema]) -> Schema:
    simple = all(set(choice) == {"type"} for choice in choices)
    if simple:
        return {"type": [choice["type"] for choice in choices]}
    return {"anyOf": list(choices)}


LIST_TYPES: dict[str, type] = {
    "appointments list": Appointment,
    "consent show": Consent,
    "gp": Surgery,
    "logout": SignedOut,
    "messages list": Thread,
    "messages mark-read": MessageReceipt,
    "messages save": Saved,
    "profile list": KnownPortal,
    "rx list": Prescription,
    "rx renew": RenewalReceipt,
    "rx requests": Renewal,
    "sandbox answer": Answer,
    "sandbox list": RunningSandbox,
    "sandbox people": SandboxPerson,
    "services": Service,
    "outbox list": OutboxRequest,
    "outbox settle": OutboxRequest,
    "slots": Slot,
    "troubleshoot": Finding,
}
"""Command -> the type of the items of its array."""

ITEM_TYPES: dict[str, tuple[type, ...]] = {
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
    "outbox show": (OutboxRequest,),
    "profile add": (KnownPortal,),
    "profile remove": (KnownPortal,),
    "profile show": (KnownPortal,),
    "profile use": (KnownPortal,),
    "rx show": (Prescription,),
    "rx withdraw": (RenewalReceipt,),
    "sandbox env": (SandboxVariables,),
    "whoami": (SignInState,),
}
"""Command -> the types that its object may have: `flu` answers with a receipt when it books."""


def find_command_schema(command: str) -> Schema | None:
    """Return the schema of the answer of `command`; `None` = it has no answer in JSON.

    `whoami --all` answers with an array of what `whoami` answers with.
    """
    if command in LIST_TYPES:
        return build_array_schema(build_schema(LIST_TYPES[command]))
    kinds = ITEM_TYPES.get(command)
    if kinds is None:
        return None
    if len(kinds) == 1:
        return build_schema(kinds[0])
    return _any_of_schema([build_schema(kind) for kind in kinds])


def _any_of_schema(schemas: list[Schema]) -> Schema:
    """Return a schema that allows each of `schemas`, with their `$defs` at its root."""
    shared: dict[str, Json] = {}
    for schema in schemas:
        nested = schema.get("$defs")
        shared |= nested if isinstance(nested, dict) else {}
    choices: list[Json] = [
        {key: part for key, part in schema.items() if key not in _ROOT_KEYS} for schema in schemas
    ]
    return {"$schema": DIALECT, "anyOf": choices, "$defs": shared}
