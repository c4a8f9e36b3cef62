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
    """Return the name of whom or what a reference of `holder` points to.

    It is what the reference calls it, else its own name.
    """
    if link is None or link.display:
        return link.display if link else None
    return read_record_name(bundle.resolve(link, holder), bundle, holder)


def read_record_name(record: Element | None, bundle: Bundle, holder: Element) -> str | None:
    """Return the name of a record; of a PractitionerRole the person's, else the organization's.

    `holder` is the record that refers to it, and may contain it.
    """
    if record is None:
        return None
    if record.resource_type in PERSON_TYPES:
        return read_name(record)
    if record.resource_type == "PractitionerRole":
        parts = (record.link("practitioner"), record.link("organization"))
        names = (read_linked_name(part, bundle, holder) for part in parts)
    elif record.resource_type == "Device":
        names = (each.string("name") for each in record.children("deviceName"))
    else:
        return record.string("name") if isinstance(record.json.get("name"), str) else None
    return next(filter(None, names), None)
