"""The views with which each command answers: the names that `--fields` takes come from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpcli.render.view import View
from gpcli.render.views.account_views import (
    ANSWERS,
    FAULTS,
    FINDINGS,
    OUTBOX,
    PEOPLE,
    PORTALS,
    SANDBOXES,
    SIGN_INS,
    SIGNED_IN,
    SIGNED_OUT,
    VARIABLES,
)
from gpcli.render.views.appointment_views import (
    APPOINTMENTS,
    FLU,
    MOVE_RECEIPT,
    RECEIPT,
    SLOTS,
)
from gpcli.render.views.change_views import CHANGES, WATCHES
from gpcli.render.views.day_views import DAY
from gpcli.render.views.event_views import EVENTS
from gpcli.render.views.page_views import PAGES
from gpcli.render.views.prescription_views import PRESCRIPTION, PRESCRIPTIONS
from gpcli.render.views.renewal_views import RENEWAL_RECEIPTS, REQUESTS, WITHDRAWALS
from gpcli.render.views.service_views import (
    CONSENT_RECEIPT,
    CONSENTS,
    SURGERIES,
    services_view,
)
from gpcli.render.views.smoke_views import SMOKE_CHECKS, SMOKE_REPORT
from gpcli.render.views.thread_views import (
    CONVERSATION,
    SAVED,
    THREAD_RECEIPT,
    THREADS,
    message_receipts_view,
)

_SERVICES = services_view(several_gps=True)
_MESSAGE_RECEIPTS = message_receipts_view("Europe/Oslo")

VIEWS: Mapping[str, tuple[View[Any], ...]] = {
    "appointments list": (APPOINTMENTS,),
    "appointments show": (APPOINTMENTS,),
    "book": (RECEIPT, MOVE_RECEIPT),
    "cancel": (RECEIPT,),
    "changes": (CHANGES,),
    "consent grant": (CONSENT_RECEIPT,),
    "consent show": (CONSENTS,),
    "consent withdraw": (CONSENT_RECEIPT,),
    "contact": (THREAD_RECEIPT,),
    "econsult join": (APPOINTMENTS,),
    "econsult start": (THREAD_RECEIPT, RECEIPT),
    "econsult withdraw": (RECEIPT,),
    "flu": (FLU, RECEIPT),
    "gp": (SURGERIES,),
    "login": (SIGNED_IN,),
    "logout": (SIGNED_OUT,),
    "messages list": (THREADS,),
    "messages mark-read": (_MESSAGE_RECEIPTS,),
    "messages reply": (_MESSAGE_RECEIPTS,),
    "messages save": (SAVED,),
    "messages show": (CONVERSATION,),
    "next": (APPOINTMENTS,),
    "move": (MOVE_RECEIPT,),
    "open": (PAGES,),
    "outbox list": (OUTBOX,),
    "outbox settle": (OUTBOX,),
    "outbox show": (OUTBOX,),
    "profile add": (PORTALS,),
    "profile list": (PORTALS,),
    "profile remove": (PORTALS,),
    "profile show": (PORTALS,),
    "profile use": (PORTALS,),
    "rx list": (PRESCRIPTIONS,),
    "rx renew": (RENEWAL_RECEIPTS,),
    "rx requests": (REQUESTS,),
    "rx show": (PRESCRIPTION,),
    "rx withdraw": (WITHDRAWALS,),
    "sandbox answer": (ANSWERS,),
    "sandbox env": (VARIABLES,),
    "sandbox fault add": (FAULTS,),
    "sandbox fault clear": (FAULTS,),
    "sandbox fault list": (FAULTS,),
    "sandbox list": (SANDBOXES,),
    "sandbox people": (PEOPLE,),
    "services": (_SERVICES,),
    "slots": (SLOTS,),
    "smoke": (SMOKE_REPORT, SMOKE_CHECKS),
    "today": (DAY,),
    "troubleshoot": (FINDINGS,),
    "watch": (EVENTS, WATCHES),
    "whoami": (SIGN_INS,),
}
"""Command -> its views: `flu` answers with a receipt when it books."""


def list_field_names(path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what `--fields` takes for the command at `path`: names of columns, and JSON's keys."""
    views = VIEWS.get(path, ())
    columns = dict.fromkeys(name for view in views for name in view.column_names)
    keys = dict.fromkeys(name for view in views for name in view.json_keys)
    return tuple(columns), tuple(keys)
