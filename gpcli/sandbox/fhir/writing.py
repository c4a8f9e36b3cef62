"""References in what is written: to what exists, to what the writer may see, by one form."""

import re
from copy import deepcopy

from gpcli.sandbox.fhir.catalogue import TYPES
from gpcli.sandbox.fhir.desk import Desk
from gpcli.sandbox.fhir.elements import Resource, all_references, attachments, id_of
from gpcli.sandbox.fhir.outcome import Problem, forbidden

_WRITTEN_ABOUT = ("Communication", "MedicationRequest")
"""Types whose resources a patient writes to or about: one that isn't there is 404, not 422."""
_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(/_history/[A-Za-z0-9.-]{1,64})?")


def relative(desk: Desk, resource: Resource) -> Resource:
    """A copy in which references to this portal are relative, as it stores them."""
    copied = deepcopy(resource)
    for reference in all_references(copied):
        reference["reference"] = reference["reference"].removeprefix(f"{desk.base}/")
    for attachment in attachments(copied):
        if "url" in attachment:
            attachment["url"] = attachment["url"].removeprefix(f"{desk.base}/")
    return copied


def check_references(desk: Desk, resource: Resource) -> None:
    """Raise 403 if the resource names another patient, 404 or 422 if nothing is at a reference."""
    contained = {f"#{each.get('id')}" for each in resource.get("contained", ())}
    for reference in all_references(resource):
        text = reference["reference"]
        if text != "#" and text not in contained:
            _check(desk, text)
    for attachment in attachments(resource):
        if "url" in attachment:
            _check_address(desk, attachment["url"])


def _check(desk: Desk, text: str) -> None:
    if text.startswith("Patient/") and not desk.grant.is_backend and text != desk.grant.own:
        raise forbidden("You can only write about the patient you are signed in for.")
    parts = _RELATIVE.fullmatch(text)
    if not parts or not _resolves(desk, parts[1], f"{parts[1]}/{parts[2]}"):
        status = 404 if parts and parts[1] in _WRITTEN_ABOUT else 422
        raise Problem(status, "not-found", f"There is nothing at the reference {text!r}.")


def _check_address(desk: Desk, url: str) -> None:
    """Attachments are fetched from nowhere else: their address is a Binary of the writer's."""
    if not url.startswith("Binary/") or not _resolves(desk, "Binary", url):
        raise Problem(422, "not-found", f"There is no Binary of yours at {url!r}.")


def _resolves(desk: Desk, type_: str, reference: str) -> bool:
    if type_ not in TYPES or desk.store.get(type_, id_of(reference)) is None:
        return False
    return desk.sees(type_, id_of(reference))
