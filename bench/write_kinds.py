"""Every kind of write that the command line has, and what each is to leave at the portal."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from bench.portals import Resource
from tests.journeys.shell import Shell

Prepare = Callable[[Shell, Random], dict[str, str]]
"""Makes at the portal what a line needs, without faults, and returns what stands in the line."""

_CLOSED = {"cancelled", "entered-in-error"}


@dataclass(frozen=True)
class Kind:
    """One kind of write: `line` with what `prepare` returns, by `person`.

    `effect` names what a record that is new or changed at the portal amounts to, `None` = nothing;
    `intended` is how often the line is to have each effect. `rows` names the column of the JSON
    answer that tells for which effect a row stands, for lines that answer with several.
    `booking` is the portal's way of keeping its times, `profile` the client's, where that is not
    `auto`; `transactions` says whether the portal has these.
    """

    name: str
    person: str
    line: str
    effect: Callable[[Resource], str | None]
    intended: Mapping[str, int]
    prepare: Prepare = lambda shell, random: {}
    rows: str | None = None
    booking: str = "post"
    profile: str = "auto"
    transactions: bool = True


def _written(resource: Resource) -> str | None:
    if resource["resourceType"] != "Communication":
        return None
    return "message" if "partOf" in resource else "header"


def _received(resource: Resource) -> str | None:
    is_marked = resource["resourceType"] == "Communication" and "received" in resource
    return str(resource["id"]) if is_marked else None


def _asked(resource: Resource) -> str | None:
    if resource["resourceType"] != "Task":
        return None
    return str(resource["focus"]["reference"].partition("/")[2])


def _withdrawn(resource: Resource) -> str | None:
    is_closed = resource["resourceType"] in {"Task", "Appointment"}
    return "withdrawn" if is_closed and resource["status"] in _CLOSED else None


def _booked(resource: Resource) -> str | None:
    if resource["resourceType"] == "Slot":
        return "slot taken" if resource["status"] != "free" else None
    is_made = resource["resourceType"] == "Appointment" and resource["status"] not in _CLOSED
    return "booking" if is_made else None


def _made(resource: Resource) -> str | None:
    is_made = resource["resourceType"] == "Appointment" and resource["status"] not in _CLOSED
    return "booking" if is_made else None


def _cancelled(resource: Resource) -> str | None:
    if resource["resourceType"] == "Slot":
        return "slot free" if resource["status"] == "free" else None
    return _withdrawn(resource)


def _consented(resource: Resource) -> str | None:
    is_given = resource["resourceType"] == "Consent" and resource["status"] == "active"
    return "consent" if is_given else None


def _ended(resource: Resource) -> str | None:
    is_ended = resource["resourceType"] == "Consent" and resource["status"] == "inactive"
    return "consent ended" if is_ended else None


_FREE: dict[str, list[str]] = {}
"""The free times of each portal, which is put back before each round."""


def _pick_slot(shell: Shell, random: Random) -> dict[str, str]:
    portal = shell.env["GPCLI_PORTAL"]
    if portal not in _FREE:
        elsewhere = shell.with_env(GPCLI_CONFIG_DIR=tempfile.mkdtemp())
        found = elsewhere.json("gpcli slots --from +5d --limit 40")
        _FREE[portal] = [slot["id"] for slot in found]
    return {"slot": random.choice(_FREE[portal])}


def _book(shell: Shell, random: Random) -> dict[str, str]:
    slot = _pick_slot(shell, random)["slot"]
    return {"booked": shell.json(f"gpcli book {slot} --another --yes")["id"]}


_THREAD = {"header": 1, "message": 1}
_BOOKING = {"booking": 1, "slot taken": 1}
_CANCELLED = {"withdrawn": 1, "slot free": 1}
_CONTACT = "contact --subject Ramp --message 'Is there a ramp?' --yes"
_ECONSULT = "econsult start --subject Knee --message 'It is sore.' --yes --accept-fee any"
_ONE = ("rx-zt4s55k9",)
_THREE = (*_ONE, "rx-z67bczfw", "rx-c28xcqvq")
_UNREAD = ("m-pg96p3fw", "m-2kr3tb7m")
_BOOK = "book {slot} --another --yes"
_CANCEL = "cancel {booked} --yes --accept-fee any"

KINDS = (
    Kind("contact", "ada", _CONTACT, _written, _THREAD),
    Kind("contact in turn", "ada", _CONTACT, _written, _THREAD, transactions=False),
    Kind("econsult by text", "ada", f"{_ECONSULT} --via text", _written, _THREAD),
    Kind(
        "econsult by text in turn",
        "ada",
        f"{_ECONSULT} --via text",
        _written,
        _THREAD,
        transactions=False,
    ),
    Kind("econsult by video", "ada", f"{_ECONSULT} --via video", _made, {"booking": 1}),
    Kind(
        "messages reply",
        "ada",
        "messages reply t-9rcz8zjj --message 'It is better now.' --yes",
        _written,
        {"message": 1},
    ),
    Kind(
        "messages mark-read",
        "ada",
        "messages mark-read --all --yes",
        _received,
        dict.fromkeys(_UNREAD, 1),
        rows="id",
    ),
    Kind(
        "rx renew one",
        "ada",
        f"rx renew {' '.join(_ONE)} --yes --accept-fee any",
        _asked,
        dict.fromkeys(_ONE, 1),
        rows="prescription_id",
    ),
    Kind(
        "rx renew three",
        "ada",
        f"rx renew {' '.join(_THREE)} --yes --accept-fee any",
        _asked,
        dict.fromkeys(_THREE, 1),
        rows="prescription_id",
    ),
    Kind("rx withdraw", "ada", "rx withdraw r-rxzthjcg --yes", _withdrawn, {"withdrawn": 1}),
    Kind("book by post", "ada", _BOOK, _booked, _BOOKING, _pick_slot),
    Kind("book by operation", "ada", _BOOK, _booked, _BOOKING, _pick_slot, booking="operation"),
    Kind(
        "book by transaction",
        "ada",
        _BOOK,
        _booked,
        _BOOKING,
        _pick_slot,
        booking="transaction",
        profile="transaction",
    ),
    Kind(
        "book where nothing is guarded",
        "ada",
        _BOOK,
        _made,
        {"booking": 1},
        _pick_slot,
        booking="transaction",
    ),
    Kind("book first", "ada", "book --first --another --yes", _booked, _BOOKING),
    Kind("book an enquiry", "ada", "book --enquiry --another --yes", _made, {"booking": 1}),
    Kind("cancel", "ada", _CANCEL, _cancelled, _CANCELLED, _book),
    Kind(
        "cancel where booked by operation",
        "ada",
        _CANCEL,
        _cancelled,
        _CANCELLED,
        _book,
        booking="operation",
    ),
    Kind(
        "cancel by transaction",
        "ada",
        _CANCEL,
        _cancelled,
        _CANCELLED,
        _book,
        booking="transaction",
        profile="transaction",
    ),
    Kind("flu", "guro", "flu --first --yes --accept-fee any", _booked, _BOOKING),
    Kind("consent grant", "david", "consent grant --yes", _consented, {"consent": 1}),
    Kind(
        "consent withdraw",
        "ada",
        "consent withdraw --confirm withdraw",
        _ended,
        {"consent ended": 1},
    ),
    Kind(
        "econsult withdraw",
        "finn",
        "econsult withdraw a-ft4m6n2w --yes --accept-fee any",
        _withdrawn,
        {"withdrawn": 1},
    ),
)


def count_effects(kind: Kind, changed: list[Resource]) -> Counter[str]:
    """Return how often each effect of a kind is among the records that are new or changed."""
    named = (kind.effect(resource) for resource in changed)
    return Counter(effect for effect in named if effect is not None)
