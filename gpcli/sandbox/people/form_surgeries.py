"""Make surgeries, GPs, their services and times, prices and medicines of what the form says."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from yaml.nodes import Node

from gpcli.sandbox.people.form_keys import (
    FREE_TIMES,
    GP,
    MEDICINE,
    PRICE,
    SURGERY,
    UNKNOWN,
    WEEKDAY_WORDS,
    read_service_table,
)
from gpcli.sandbox.people.form_reader import Entry, FormReader
from gpcli.sandbox.people.form_values import make_name, read_entry, read_key
from gpcli.sandbox.people.free_times import EVERY_WORKING_DAY, FreeTimes, SlotPattern
from gpcli.sandbox.people.healthcare_services import (
    PRICED,
    GpOffer,
    Leave,
    OfferedService,
    Price,
    Rate,
)
from gpcli.sandbox.people.medicines import Product
from gpcli.sandbox.people.surgeries import Gp, Surgery


def define_services(reader: FormReader, node: Node) -> None:
    """Define how each service is where a GP says nothing else."""
    for code, entry in read_service_table(reader, node, "services"):
        former = reader.defined["service"].get(code, {})
        reader.defined["service"][code] = {**former, **entry.values}


def define_prices(reader: FormReader, node: Node) -> None:
    """Define what services cost; one that is UNKNOWN is left out."""
    for code, key_node, value in reader.pairs(node, "prices"):
        if code not in PRICED:
            reader.fail_unknown(key_node, f"unknown service '{code}' in 'prices'", code, PRICED)
        if getattr(value, "value", None) == UNKNOWN:
            reader.defined["price"].pop(code, None)
            continue
        entry = read_entry(reader, value, f"prices.{code}", PRICE)
        rates = tuple(
            Rate(each["for"], each["price"], each.get("invoice_fee", 0)) for each in entry["rates"]
        )
        at_sending = entry.get("charged_at_sending", False)
        reader.defined["price"][code] = Price(code, entry["title"], rates, at_sending)


def define_medicines(reader: FormReader, node: Node) -> None:
    """Define what can be prescribed."""
    for key, key_node, value in reader.pairs(node, "medicines"):
        read_key(reader, key_node, key, "medicine")
        entry = read_entry(reader, value, f"medicines.{key}", MEDICINE)
        reader.defined["medicine"][key] = Product(key, **entry.values)


def define_surgeries(reader: FormReader, node: Node) -> None:
    """Define the surgeries."""
    for place, (key, key_node, value) in enumerate(reader.pairs(node, "surgeries"), 1):
        read_key(reader, key_node, key, "surgery")
        entry = read_entry(reader, value, f"surgeries.{key}", SURGERY)
        values: dict[str, Any] = {"number": f"0000001{place:02}", **entry.values}
        reader.defined["surgery"][key] = Surgery(key, **values)


def define_gps(reader: FormReader, node: Node) -> tuple[FreeTimes, ...]:
    """Define the GPs, and return their times."""
    entries = []
    for place, (key, key_node, value) in enumerate(reader.pairs(node, "gps"), 1):
        read_key(reader, key_node, key, "gp")
        entry = read_entry(reader, value, f"gps.{key}", GP)
        reader.defined["gp"][key] = _make_offer(reader, key, place, entry)
        entries.append((reader.defined["gp"][key], entry))
    schedules: Counter[str] = Counter()
    return tuple(
        times
        for offer, entry in entries
        if "free_times" in entry
        for times in _read_free_times(reader, offer, entry, schedules)
    )


def _make_offer(reader: FormReader, key: str, place: int, entry: Entry) -> GpOffer:
    values: dict[str, Any] = {"number": f"00001{place:02}", **entry.chosen("phone", "number")}
    gp = Gp(key, make_name(reader, entry), entry["surgery"], **values)
    services = tuple(
        _make_service(reader, code, changes) for code, changes in entry.get("services", ())
    )
    groups = entry.get("groups", ())
    known = [each.code for each in services]
    for group, names in groups:
        wrong = next((each for each in names if each not in known), None)
        if wrong:
            problem = f"'{entry.where}.groups.{group}': {key} does not offer '{wrong}'"
            reader.fail_unknown(entry.node_of("groups"), problem, wrong, known)
    return GpOffer(gp, services, groups)


def _make_service(reader: FormReader, code: str, changes: Entry) -> OfferedService:
    values = {"name": code, **reader.defined["service"].get(code, {}), **changes.values}
    if leave := values.pop("leave", None):
        times = leave.chosen("until", "text", start="from")
        values["leave"] = Leave(**times)
    return OfferedService(code, **values)


def _read_free_times(
    reader: FormReader, offer: GpOffer, of_gp: Entry, schedules: Counter[str]
) -> Iterator[FreeTimes]:
    for item, where in reader.items(*of_gp["free_times"]):
        entry = read_entry(reader, item, where, FREE_TIMES)
        service = entry.get("service", "booking")
        if not offer.offers(service):
            known = [each.code for each in offer.services]
            problem = f"'{where}': {offer.gp.key} does not offer '{service}'"
            reader.fail_unknown(entry.node_of("service"), problem, service, known)
        values = _slot_values(reader, entry)
        patterns = []
        for doctor in entry.get("doctors", (offer,)):
            key = f"{service}-{doctor.gp.key}"
            schedules[key] += 1
            name = key if schedules[key] == 1 else f"{key}-{schedules[key]}"
            patterns.append(SlotPattern(name, doctor.gp, offer.gp, service, **values))
        yield FreeTimes(tuple(patterns), entry.get("at_most"))


def _slot_values(reader: FormReader, entry: Entry) -> dict[str, Any]:
    values = entry.chosen("hours", "taken", "phone", "video", "past")
    if values.get("phone", 0) + values.get("video", 0) > 1:
        reader.fail(entry.node, f"'{entry.where}': phone and video are more than 100%")
    values["minutes"] = entry.get("length", timedelta(minutes=20)) // timedelta(minutes=1)
    days = entry.get("days")
    numbers = {WEEKDAY_WORDS.index(each) for each in days} if days else EVERY_WORKING_DAY
    values["weekdays"] = tuple(sorted(numbers))
    first, last = (int(entry.get(key, default)[1:-1]) for key, default in _DAYS)
    if first > last:
        reader.fail(entry.node_of("from"), f"'{entry.where}' ends before it begins")
    return values | {"first_day": first, "last_day": last}


_DAYS = (("from", "+2d"), ("to", "+42d"))
