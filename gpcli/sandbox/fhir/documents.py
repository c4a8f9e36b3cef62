"""What a patient may do with documents: keep the bytes (Binary), describe them for a message."""

from gpcli.sandbox.fhir.desk import Desk
from gpcli.sandbox.fhir.elements import Resource, attachments, references
from gpcli.sandbox.fhir.limits import decoded
from gpcli.sandbox.fhir.outcome import broken_rule, forbidden


def keep(desk: Desk, sent: Resource) -> Resource:
    """Store a Binary as the patient's own, and return it.

    Raises Problem: 403 (for somebody else), 422 (no data, or not base64).
    """
    if "data" not in sent:
        raise broken_rule("A Binary without data is of no use.", "Binary.data")
    decoded(sent, "Binary.data")
    if references(sent, "securityContext") not in ([], [desk.grant.own]):
        raise forbidden("What you store is yours: its securityContext is the patient.")
    return desk.store.insert(sent | {"securityContext": {"reference": desk.grant.own}})


def describe(desk: Desk, sent: Resource) -> Resource:
    """Store a DocumentReference about what the patient sends, and return it.

    Raises Problem: 403 (not about the patient, or in another's name), 422.
    """
    if references(sent, "subject") != [desk.grant.own]:
        raise forbidden("A document of yours must have you as its subject.")
    if references(sent, "author") not in ([], [desk.grant.fhir_user]):
        raise forbidden("The author of a document is whoever is signed in.")
    if sent["status"] != "current":
        raise broken_rule("A new document is current.", "DocumentReference.status")
    for attachment in attachments(sent):
        if not {"data", "url"} & attachment.keys():
            where = "DocumentReference.content.attachment"
            raise broken_rule("An attachment has data or a url.", where)
        decoded(attachment, "DocumentReference.content.attachment")
    return desk.store.insert(sent)
