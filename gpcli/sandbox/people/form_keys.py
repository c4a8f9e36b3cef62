"""Every key of the form in which people are written, as tables. docs/people.md explains them."""

from yaml.nodes import MappingNode, Node, SequenceNode

from gpcli.sandbox.people.appointments import CANCELLERS, STATUSES
from gpcli.sandbox.people.element_builders import CHANNELS
from gpcli.sandbox.people.form_reader import Entry, FormReader, is_nothing
from gpcli.sandbox.people.form_values import (
    Key,
    Keys,
    defined,
    length,
    list_of,
    matching,
    one_or_more,
    read_address,
    read_amount,
    read_entry,
    read_flag,
    read_hours,
    read_id,
    read_key,
    read_money,
    read_share,
    read_size,
    read_text,
    table,
    when,
    whole,
    word,
)
from gpcli.sandbox.people.healthcare_services import SERVICES
from gpcli.sandbox.people.medicines import KINDS
from gpcli.sandbox.people.messages import THREAD_KINDS, TRANSPORTS
from gpcli.sandbox.people.patients import (
    LAST_SEASON,
    RELATIONSHIPS,
    THIS_SEASON,
    GpOfPatient,
)
from gpcli.sandbox.people.relative_times import RelativeTime
from gpcli.sandbox.people.repetition import REPEAT_KEYS, RepeatableList

CONSENT_LEVELS = ("none", "basic", "basic-plus", "full-access")
WEEKDAY_WORDS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UNKNOWN = "unknown"
"""What stands for a price that the portal does not tell."""
MOST_TIMES = 100_000

PERIOD: Keys = {
    "from": Key(when(clock="needed"), is_required=True),
    "to": Key(when(clock="needed"), is_required=True),
}
LEAVE: Keys = {
    "from": Key(when(clock="none"), is_required=True),
    "until": Key(when(clock="none"), is_required=True),
    "text": Key(read_text),
}
SERVICE: Keys = {
    "name": Key(read_text),
    "comment": Key(read_text),
    "details": Key(read_text),
    "channels": Key(one_or_more(word(CHANNELS))),
    "free_for": Key(one_or_more(read_text)),
    "max_text": Key(whole(1, 1_000_000)),
    "max_attachment": Key(read_size),
    "attachment_types": Key(one_or_more(matching(r"[\w.+-]+/[\w.+*-]+", "a media type"))),
    "notice": Key(length("mhd")),
    "late": Key(word(("charged", "refused"))),
    "leave": Key(table(lambda: LEAVE)),
}
RATE: Keys = {
    "for": Key(read_text, is_required=True),
    "price": Key(read_money, is_required=True),
    "invoice_fee": Key(read_money),
}
PRICE: Keys = {
    "title": Key(read_text, is_required=True),
    "rates": Key(list_of(table(lambda: RATE)), is_required=True),
    "charged_at_sending": Key(read_flag),
}
MEDICINE: Keys = {
    "name": Key(read_text, is_required=True),
    "form": Key(read_text, is_required=True),
    "pack": Key(read_amount, is_required=True),
    "unit": Key(matching(r"[!-~]+", "a code of UCUM like {tablet} or mL")),
    "strength": Key(read_amount),
    "atc": Key(matching(r"[A-Z]\d\d[A-Z]{2}\d\d", "an ATC code like A10BA02")),
    "group": Key(word(("A", "B", "C", "F"))),
    "kind": Key(word(KINDS)),
}
SURGERY: Keys = {
    "name": Key(read_text, is_required=True),
    "address": Key(read_address),
    "phone": Key(read_text),
    "web": Key(matching(r"https?://\S+", "a web address")),
    "hours": Key(read_hours),
    "lunch": Key(read_hours),
    "number": Key(matching(r"\d{9}", "nine digits")),
}


def _read_services(reader: FormReader, node: Node, where: str) -> tuple[tuple[str, Entry], ...]:
    """Read which services there are: `all`, a list of names, or a table with what differs."""
    nothing = Entry({}, {}, node, where)
    if isinstance(node, SequenceNode):
        names = list_of(word(SERVICES))(reader, node, where)
        return tuple((name, nothing) for name in dict.fromkeys(names))
    if isinstance(node, MappingNode):
        return read_service_table(reader, node, where)
    word(("all",))(reader, node, where)
    return tuple((name, nothing) for name in SERVICES)


def read_service_table(reader: FormReader, node: Node, where: str) -> tuple[tuple[str, Entry], ...]:
    """Read a table of services, each with what differs from how such a service is."""
    found = []
    for name, key_node, value in reader.pairs(node, where):
        if name not in SERVICES:
            reader.fail_unknown(key_node, f"unknown service '{name}' in '{where}'", name, SERVICES)
        found.append((name, read_entry(reader, value, f"{where}.{name}", SERVICE)))
    return tuple(found)


def _read_groups(
    reader: FormReader, node: Node, where: str
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(
        (
            read_key(reader, key_node, name, "group"),
            one_or_more(word(SERVICES))(reader, value, f"{where}.{name}"),
        )
        for name, key_node, value in reader.pairs(node, where)
    )


FREE_TIMES: Keys = {
    "service": Key(word(SERVICES)),
    "doctors": Key(one_or_more(defined("gp"))),
    "days": Key(one_or_more(word(WEEKDAY_WORDS))),
    "hours": Key(one_or_more(read_hours), is_required=True),
    "length": Key(length("mh")),
    "taken": Key(read_share),
    "phone": Key(read_share),
    "video": Key(read_share),
    "from": Key(matching(r"\+\d{1,4}d", "a number of days like +2d")),
    "to": Key(matching(r"\+\d{1,4}d", "a number of days like +42d")),
    "past": Key(whole(0, 100)),
    "at_most": Key(whole(1, MOST_TIMES)),
}
GP: Keys = {
    "name": Key(read_text, is_required=True),
    "family": Key(read_text),
    "surgery": Key(defined("surgery"), is_required=True),
    "phone": Key(read_text),
    "number": Key(matching(r"\d{7,9}", "seven to nine digits")),
    "services": Key(_read_services),
    "groups": Key(_read_groups),
    "free_times": Key(lambda reader, node, where: (node, where)),
}
"""`free_times` are read when every GP is known."""


def _read_gp_of_patient(reader: FormReader, node: Node, where: str) -> GpOfPatient:
    """Read a GP, or `GP/GROUP`."""
    name, _, group = read_text(reader, node, where).partition("/")
    if name not in reader.defined["gp"]:
        problem = f"'{where}': there is no gp '{name}'"
        reader.fail_unknown(node, problem, name, reader.defined["gp"])
    offer = reader.defined["gp"][name]
    groups = [known for known, _ in offer.groups]
    if group and group not in groups:
        reader.fail_unknown(node, f"'{where}': {name} has no group '{group}'", group, groups)
    return GpOfPatient(offer.gp, group)


def _read_acts_for(reader: FormReader, node: Node, where: str) -> tuple[tuple[str, str], ...]:
    found = []
    for name, key_node, value in reader.pairs(node, where):
        if name not in reader.defined["person"]:
            problem = f"'{where}': there is no person '{name}'"
            reader.fail_unknown(key_node, problem, name, reader.defined["person"])
        relationship = word(tuple(RELATIONSHIPS))(reader, value, f"{where}.{name}")
        found.append((name, relationship))
    return tuple(found)


DISPENSED: Keys = {
    "times": Key(whole(1, 1000), is_required=True),
    "every": Key(length("d"), is_required=True),
}


def _read_dispensed(reader: FormReader, node: Node, where: str) -> Entry | tuple[RelativeTime, ...]:
    """Read a list of times, or how often and in which distance."""
    if isinstance(node, MappingNode):
        return read_entry(reader, node, where, DISPENSED)
    times: tuple[RelativeTime, ...] = one_or_more(when(clock="optional"))(reader, node, where)
    twice = next((each for number, each in enumerate(times) if each in times[:number]), None)
    if twice:
        reader.fail(node, f"'{where}' has the same time twice: give them times of day")
    return times


DOSE: Keys = {
    "amount": Key(read_amount, is_required=True),
    "times": Key(whole(1, 100)),
    "every": Key(length("hd")),
}
PORTAL_COUNT: Keys = {
    "allowed": Key(whole(0, 1000), is_required=True),
    "issued": Key(whole(0, 1000), is_required=True),
}
RENEWAL: Keys = {
    "asked": Key(when(clock="optional"), is_required=True),
    "answered": Key(when(clock="optional")),
    "status": Key(word(("requested", "received", "rejected", "completed", "cancelled"))),
    "reason": Key(read_text),
    "note": Key(read_text),
}
RENEWED: Keys = {
    "written": Key(when(clock="optional"), is_required=True),
    "medicine": Key(defined("medicine")),
    "dosage": Key(read_text),
    "dose": Key(table(lambda: DOSE)),
    "days_supply": Key(whole(1, 3660)),
    "gp": Key(_read_gp_of_patient),
    "valid": Key(length("d")),
    "repeats": Key(whole(0, 1000)),
    "dispensed": Key(_read_dispensed, takes_turns=False),
    "returned": Key(_read_dispensed, takes_turns=False),
    "status": Key(
        word(("active", "on-hold", "completed", "stopped", "cancelled", "entered-in-error"))
    ),
    "reason": Key(read_text),
    "portal_count": Key(table(lambda: PORTAL_COUNT)),
    "tells_kind": Key(read_flag),
    "links_medicine": Key(read_flag),
    "renewal": Key(table(lambda: RENEWAL)),
    "renews": Key(table(lambda: RENEWED)),
    "id": Key(read_id),
}
"""The keys of a prescription that another one renews; what it does not say is as in that one."""
PRESCRIPTION: Keys = {
    **RENEWED,
    "medicine": Key(defined("medicine"), is_required=True),
    "dosage": Key(read_text, is_required=True),
}
APPOINTMENT: Keys = {
    "when": Key(when(clock="needed")),
    "about": Key(read_text),
    "gp": Key(_read_gp_of_patient),
    "service": Key(word(SERVICES)),
    "channel": Key(word(CHANNELS)),
    "length": Key(length("mh")),
    "status": Key(word(STATUSES)),
    "comment": Key(read_text),
    "asked_for": Key(table(lambda: PERIOD)),
    "made": Key(when(clock="optional")),
    "join": Key(matching(r"https?://\S+", "a web address")),
    "cancelled_by": Key(word(tuple(CANCELLERS))),
    "id": Key(read_id),
}
VACCINES = {"flu": ("J07BB02", "Influenza vaccine")}
"""Vaccines by a short name: ATC code and name."""


def _read_vaccination_day(reader: FormReader, node: Node, where: str) -> RelativeTime | str:
    text = read_text(reader, node, where)
    if text in (THIS_SEASON, LAST_SEASON):
        return text
    day: RelativeTime = when(clock="none")(reader, node, where)
    return day


VACCINATION: Keys = {
    "vaccine": Key(read_text, is_required=True),
    "when": Key(_read_vaccination_day, is_required=True),
    "atc": MEDICINE["atc"],
}
ATTACHMENT: Keys = {
    "name": Key(matching(r"[^/\\]{1,100}", "the name of a file"), is_required=True),
    "text": Key(read_text),
    "picture": Key(whole(1, 1000)),
    "pdf": Key(matching(r"[^()\\\u0100-\U0010ffff]+", "a line of Latin letters without brackets")),
    "file": Key(read_text),
    "type": Key(matching(r"\w[\w.+-]*/\w[\w.+-]*(; ?[\w=-]+)*", "a media type")),
    "kept": Key(word(TRANSPORTS)),
}
AUTHORS = ("patient", "gp", "reception")
MESSAGE: Keys = {
    **{author: Key(read_text) for author in AUTHORS},
    "when": Key(when(clock="needed"), is_required=True),
    "unread": Key(read_flag),
    "attachments": Key(list_of(table(lambda: ATTACHMENT)), takes_turns=False),
}
CONVERSATION: Keys = {
    "about": Key(read_text, is_required=True),
    "kind": Key(word(THREAD_KINDS), is_required=True),
    "lines": Key(one_or_more(read_text), is_required=True, takes_turns=False),
}


def _read_text_or_nothing(reader: FormReader, node: Node, where: str) -> str:
    return "" if is_nothing(node) else read_text(reader, node, where)


THREAD: Keys = {
    "about": Key(read_text),
    "kind": Key(word(THREAD_KINDS)),
    "messages": Key(list_of(table(lambda: MESSAGE)), takes_turns=False),
    "lines": Key(one_or_more(read_text), takes_turns=False),
    "conversation": Key(defined("conversation")),
    "when": Key(when(clock="none")),
    "length": Key(whole(1, 1000)),
    "postscript": Key(_read_text_or_nothing),
    "unread": Key(read_flag),
    "gp": Key(_read_gp_of_patient),
    "status": Key(word(("in-progress", "completed", "stopped", "not-done", "on-hold"))),
    "reason": Key(read_text),
    "writer": Key(read_text),
    "id": Key(read_id),
}
PERSON: Keys = {
    "name": Key(read_text, is_required=True),
    "family": Key(read_text),
    "about": Key(read_text),
    "born": Key(when(clock="none")),
    "sex": Key(word(("female", "male", "other", "unknown"))),
    "number": Key(matching(r"\d{11}", "eleven digits")),
    "phone": Key(read_text),
    "address": Key(read_address),
    "gps": Key(one_or_more(_read_gp_of_patient), takes_turns=False),
    "consent": Key(word(CONSENT_LEVELS)),
    "signs_in": Key(read_flag),
    "acts_for": Key(_read_acts_for),
    "appointments": Key(RepeatableList(APPOINTMENT), takes_turns=False),
    "prescriptions": Key(RepeatableList(PRESCRIPTION), takes_turns=False),
    "threads": Key(RepeatableList(THREAD), takes_turns=False),
    "vaccinations": Key(list_of(table(lambda: VACCINATION)), takes_turns=False),
}
SECTIONS = (
    *("services", "prices", "medicines", "conversations"),
    *("surgeries", "gps", "people", "resources"),
)
"""The keys of the file itself."""
TABLES: dict[str, Keys] = {
    "a surgery": SURGERY,
    "a GP": GP,
    "free times": FREE_TIMES,
    "a service": SERVICE,
    "a leave": LEAVE,
    "a price": PRICE,
    "a rate": RATE,
    "a medicine": MEDICINE,
    "a person": PERSON,
    "an appointment": APPOINTMENT,
    "a period": PERIOD,
    "a prescription": PRESCRIPTION,
    "a dose": DOSE,
    "dispensed by count": DISPENSED,
    "a portal's own count": PORTAL_COUNT,
    "a renewal": RENEWAL,
    "a thread": THREAD,
    "a message": MESSAGE,
    "an attachment": ATTACHMENT,
    "a conversation": CONVERSATION,
    "a vaccination": VACCINATION,
    "what repeats": REPEAT_KEYS,
}
"""The tables by what they describe, as docs/people.md calls them."""
