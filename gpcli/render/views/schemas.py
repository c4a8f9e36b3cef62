"""The JSON Schema (2020-12) of what each command answers with `--json`."""

from __future__ import annotations

from gpcli.model.account import KnownPortal, SignedOut, SignInState, SignInSummary
from gpcli.model.appointment import Appointment, Slot
from gpcli.model.finding import Finding
from gpcli.model.flu import FluAnswer
from gpcli.model.prescription import Prescription, Renewal
from gpcli.model.receipt import AppointmentReceipt, ConsentReceipt
from gpcli.model.renewal_receipt import RenewalReceipt
from gpcli.model.service import Consent, Service
from gpcli.model.surgery import Surgery
from gpcli.model.thread import Conversation, Saved, Thread
from gpcli.model.thread_receipt import MessageReceipt, ThreadReceipt
from gpcli.render.record import Json
from gpcli.render.schema import DIALECT, Schema, array_of, schema_of
from gpcli.render.views.sandbox import Answer, SandboxPerson

LISTS: dict[str, type] = {
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
