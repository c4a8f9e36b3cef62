"""The record that a Reference names: by its target, or by an identifier alone (R4 2.3.0)."""

from __future__ import annotations

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Reference
from gpcli.fhir.patient import PERSON_TYPES, read_name


def find_linked_id(
    link: Reference | None, bundle: Bundle, holder: Element, kind: str
) -> str | None:
    """Return the id of a record of the portal, of the type `kind`; `None` for any other.

    The bundle need not have it, unless the reference is by an identifier.
    """
    if link is None:
        return None
    if link.target is None:
        record = bundle.resolve(link, holder)
        return record.string("id") if record and record.resource_type == kind else None
    resource_type, _, resource_id = link.target.partition("/")
    return resource_id if resource_type == kind and resource_id else None


def read_linked_name(link: Reference | None, bundle: Bundle, holder: Element) -> str | None:
    """Return the name of whom or what a reference of `holder` points to; `None` = not told.

    It is what the reference calls them, else their record's own name; of a PractitionerRole the
    practitioner's, else the organization's.
    """
    name = read_role_holder(link, bundle, holder)
    role = bundle.resolve(link, holder) if link and not name else None
    if link is None or role is None or role.resource_type != "PractitionerRole":
        return name
    return read_linked_name(role.link("organization"), bundle, _holder_in(role, link, holder))


def read_role_holder(link: Reference | None, bundle: Bundle, holder: Element) -> str | None:
    """Return the same as `read_linked_name`, but of a PractitionerRole the practitioner's alone."""
    if link is None or link.display:
        return link.display if link else None
    record = bundle.resolve(link, holder)
    if record is None or record.resource_type != "PractitionerRole":
        return read_own_name(record) if record else None
    return read_role_holder(record.link("practitioner"), bundle, _holder_in(record, link, holder))


def _holder_in(record: Element, link: Reference, holder: Element) -> Element:
    """Return the resource that has what `record` contains: a contained one has nothing itself."""
    return holder if (link.target or "").startswith("#") else record


def read_own_name(record: Element) -> str | None:
    """Return the name that a record has itself; `None` without any, as of a PractitionerRole."""
    if record.resource_type in PERSON_TYPES:
        return read_name(record)
    if record.resource_type == "Device":
        names = (each.string("name") for each in record.children("deviceName"))
        return next(filter(None, names), None)
    if record.resource_type == "Organization":
        return record.string("name") or next(iter(record.strings("alias")), None)
    is_of_parts = isinstance(record.json.get("name"), list)  # as in R4's Person
    return None if is_of_parts else record.string("name")
