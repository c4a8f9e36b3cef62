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
    """Return the name of the person or the organization that a reference of `holder` points to.

    It is what the reference calls them, else their own name; of a PractitionerRole the
    practitioner's, else the organization's.
    """
    if link is None or link.display:
        return link.display if link else None
    record = bundle.resolve(link, holder)
    if record is None or record.resource_type != "PractitionerRole":
        return _read_own_name(record)
    for part in filter(None, (record.link("practitioner"), record.link("organization"))):
        name = part.display or _read_own_name(bundle.resolve(part, holder))
        if name:
            return name
    return None


def _read_own_name(record: Element | None) -> str | None:
    if record is None:
        return None
    if record.resource_type in PERSON_TYPES:
        return read_name(record)
    return record.string("name") if record.resource_type == "Organization" else None
