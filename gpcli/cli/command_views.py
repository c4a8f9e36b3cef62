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

_Views = tuple[View[Any], ...]

VIEWS: Mapping[str, _Views] = {
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
    "watch": (CHANGES, EVENTS, WATCHES),
    "whoami": (SIGN_INS,),
}
"""Command -> its views: `flu` answers with a receipt when it books."""


_WATCH_VIEWS: Mapping[str, tuple[_Views, _Views]] = {
    "watch": ((CHANGES,), (EVENTS,)),
    "watch status": ((WATCHES,), (WATCHES,)),
}
"""What `watch` answers with, by its words: the views of lines, and those of JSON."""


def list_field_names() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return what `--fields` takes, by command: names of columns, and JSON's keys.

    A command that answers with something else after a word has an entry with that word, too.
    """
    named = {path: (views, views) for path, views in VIEWS.items()} | {**_WATCH_VIEWS}
    return {
        line: (
            tuple(dict.fromkeys(name for view in columns for name in view.column_names)),
            tuple(dict.fromkeys(name for view in objects for name in view.json_keys)),
        )
        for line, (columns, objects) in named.items()
    }
