"""Define the elements of resources, as data: here, those that apps may write.

Each line is an element: its name; its cardinality, `?` (0..1), `1`, `*` (0..*) or `+` (1..*); and
its type, or the codes that it may have, in angle brackets.

Source: FHIR R4, resourcelist.html and datatypes.html.
"""

from collections.abc import Mapping
from typing import NamedTuple

from gpcli.sandbox.fhir.read_only_structures import READ_ONLY

_DOMAIN_RESOURCE = """
    resourceType 1 string
    id ? id
    meta ? Meta
    implicitRules ? uri
    language ? code
    text ? Narrative
    contained * Resource
    extension * Extension"""
"""The elements of every DomainResource."""

_CHOICES = """
    base64Binary boolean canonical code date dateTime decimal id instant integer markdown oid
    positiveInt string time unsignedInt uri url uuid Age Address Annotation Attachment
    CodeableConcept Coding ContactPoint Count Distance Duration HumanName Identifier Money
    Period Quantity Range Ratio Reference Signature Timing Meta"""

_VALUE_CHOICES = "\n".join(f"value{c[0].upper()}{c[1:]} ? {c}" for c in _CHOICES.split())
"""The choices of the element value[x]."""

_QUANTITY = """
    value ? decimal
    comparator ? <<|<=|>=|>>
    unit ? string
    system ? uri
    code ? code"""

_DATA_TYPES = {
    "Element": "",
    "Extension": f"url 1 uri\n{_VALUE_CHOICES}",
    "Meta": """
    versionId ? id
    lastUpdated ? instant
    source ? uri
    profile * canonical
    security * Coding
    tag * Coding""",
    "Narrative": """
    status 1 <generated|extensions|additional|empty>
    div 1 string""",
    "Identifier": """
    use ? <usual|official|temp|secondary|old>
    type ? CodeableConcept
    system ? uri
    value ? string
    period ? Period
    assigner ? Reference""",
    "CodeableConcept": """
    coding * Coding
    text ? string""",
    "Coding": """
    system ? uri
    version ? string
    code ? code
    display ? string
    userSelected ? boolean""",
    "Reference": """
    reference ? string
    type ? uri
    identifier ? Identifier
    display ? string""",
    "Period": """
    start ? dateTime
    end ? dateTime""",
    "HumanName": """
    use ? <usual|official|temp|nickname|anonymous|old|maiden>
    text ? string
    family ? string
    given * string
    prefix * string
    suffix * string
    period ? Period""",
    "ContactPoint": """
    system ? <phone|fax|email|pager|url|sms|other>
    value ? string
    use ? <home|work|temp|old|mobile>
    rank ? positiveInt
    period ? Period""",
    "Address": """
    use ? <home|work|temp|old|billing>
    type ? <postal|physical|both>
    text ? string
    line * string
    city ? string
    district ? string
    state ? string
    postalCode ? string
    country ? string
    period ? Period""",
    "Attachment": """
    contentType ? code
    language ? code
    data ? base64Binary
    url ? url
    size ? unsignedInt
    hash ? base64Binary
    title ? string
    creation ? dateTime""",
    "Annotation": """
    authorReference ? Reference
    authorString ? string
    time ? dateTime
    text 1 markdown""",
    "Money": """
    value ? decimal
    currency ? code""",
    "Range": """
    low ? Quantity
    high ? Quantity""",
    "Ratio": """
    numerator ? Quantity
    denominator ? Quantity""",
    **dict.fromkeys(("Quantity", "Age", "Count", "Distance", "Duration"), _QUANTITY),
}
"""The elements of data types; others are not validated."""


_EVENT_STATUS = (
    "preparation|in-progress|not-done|on-hold|stopped|completed|entered-in-error|unknown"
)
_TASK_STATUS = (
    "draft|requested|received|accepted|rejected|ready|"
    "cancelled|in-progress|on-hold|failed|completed|entered-in-error"
)
_TASK_INTENT = (
    "unknown|proposal|plan|order|original-order|reflex-order|filler-order|instance-order|option"
)

_MESSAGING = {
    "Communication": _DOMAIN_RESOURCE
    + f"""
    identifier * Identifier
    instantiatesCanonical * canonical
    instantiatesUri * uri
    basedOn * Reference
    partOf * Reference
    inResponseTo * Reference
    status 1 <{_EVENT_STATUS}>
    statusReason ? CodeableConcept
    category * CodeableConcept
    priority ? <routine|urgent|asap|stat>
    medium * CodeableConcept
    subject ? Reference
    topic ? CodeableConcept
    about * Reference
    encounter ? Reference
    sent ? dateTime
    received ? dateTime
    recipient * Reference
    sender ? Reference
    reasonCode * CodeableConcept
    reasonReference * Reference
    payload * Communication.payload
    note * Annotation""",
    "Communication.payload": """
    contentString ? string
    contentAttachment ? Attachment
    contentReference ? Reference""",
    "Task": _DOMAIN_RESOURCE
    + f"""
    identifier * Identifier
    instantiatesCanonical ? canonical
    instantiatesUri ? uri
    basedOn * Reference
    groupIdentifier ? Identifier
    partOf * Reference
    status 1 <{_TASK_STATUS}>
    statusReason ? CodeableConcept
    businessStatus ? CodeableConcept
    intent 1 <{_TASK_INTENT}>
    priority ? <routine|urgent|asap|stat>
    code ? CodeableConcept
    description ? string
    focus ? Reference
    for ? Reference
    encounter ? Reference
    executionPeriod ? Period
    authoredOn ? dateTime
    lastModified ? dateTime
    requester ? Reference
    performerType * CodeableConcept
    owner ? Reference
    location ? Reference
    reasonCode ? CodeableConcept
    reasonReference ? Reference
    insurance * Reference
    note * Annotation
    relevantHistory * Reference
    restriction ? Task.restriction
    input * Task.parameter
    output * Task.parameter""",
    "Task.restriction": """
    repetitions ? positiveInt
    period ? Period
    recipient * Reference""",
    "Task.parameter": f"type 1 CodeableConcept\n{_VALUE_CHOICES}",
    "DocumentReference": _DOMAIN_RESOURCE
    + """
    masterIdentifier ? Identifier
    identifier * Identifier
    status 1 <current|superseded|entered-in-error>
    docStatus ? <preliminary|final|amended|entered-in-error>
    type ? CodeableConcept
    category * CodeableConcept
    subject ? Reference
    date ? instant
    author * Reference
    authenticator ? Reference
    custodian ? Reference
    relatesTo * DocumentReference.relatesTo
    description ? string
    securityLabel * CodeableConcept
    content + DocumentReference.content
    context ? DocumentReference.context""",
    "DocumentReference.relatesTo": """
    code 1 <replaces|transforms|signs|appends>
    target 1 Reference""",
    "DocumentReference.content": """
    attachment 1 Attachment
    format ? Coding""",
    "DocumentReference.context": """
    encounter * Reference
    event * CodeableConcept
    period ? Period
    facilityType ? CodeableConcept
    practiceSetting ? CodeableConcept
    sourcePatientInfo ? Reference
    related * Reference""",
    "Binary": """
    resourceType 1 string
    id ? id
    meta ? Meta
    implicitRules ? uri
    language ? code
    contentType 1 code
    securityContext ? Reference
    data ? base64Binary""",
}
"""The elements of Communication, Task, DocumentReference and Binary."""
_APPOINTMENT_STATUS = (
    "proposed|pending|booked|arrived|fulfilled|"
    "cancelled|noshow|entered-in-error|checked-in|waitlist"
)
_RESOURCES = {
    "Appointment": _DOMAIN_RESOURCE
    + f"""
    identifier * Identifier
    status 1 <{_APPOINTMENT_STATUS}>
    cancelationReason ? CodeableConcept
    serviceCategory * CodeableConcept
    serviceType * CodeableConcept
    specialty * CodeableConcept
    appointmentType ? CodeableConcept
    reasonCode * CodeableConcept
    reasonReference * Reference
    priority ? unsignedInt
    description ? string
    supportingInformation * Reference
    start ? instant
    end ? instant
    minutesDuration ? positiveInt
    slot * Reference
    created ? dateTime
    comment ? string
    patientInstruction ? string
    basedOn * Reference
    participant + Appointment.participant
    requestedPeriod * Period""",
    "Appointment.participant": """
    type * CodeableConcept
    actor ? Reference
    required ? <required|optional|information-only>
    status 1 <accepted|declined|tentative|needs-action>
    period ? Period""",
    "Slot": _DOMAIN_RESOURCE
    + """
    identifier * Identifier
    serviceCategory * CodeableConcept
    serviceType * CodeableConcept
    specialty * CodeableConcept
    appointmentType ? CodeableConcept
    schedule 1 Reference
    status 1 <busy|free|busy-unavailable|busy-tentative|entered-in-error>
    start 1 instant
    end 1 instant
    overbooked ? boolean
    comment ? string""",
    "Consent": _DOMAIN_RESOURCE
    + """
    identifier * Identifier
    status 1 <draft|proposed|active|rejected|inactive|entered-in-error>
    scope 1 CodeableConcept
    category + CodeableConcept
    patient ? Reference
    dateTime ? dateTime
    performer * Reference
    organization * Reference
    sourceAttachment ? Attachment
    sourceReference ? Reference
    policy * Consent.policy
    policyRule ? CodeableConcept
    verification * Consent.verification
    provision ? Consent.provision""",
    "Consent.policy": """
    authority ? uri
    uri ? uri""",
    "Consent.verification": """
    verified 1 boolean
    verifiedWith ? Reference
    verificationDate ? dateTime""",
    "Consent.provision": """
    type ? <deny|permit>
    period ? Period
    actor * Consent.provision.actor
    action * CodeableConcept
    securityLabel * Coding
    purpose * Coding
    class * Coding
    code * CodeableConcept
    dataPeriod ? Period
    data * Consent.provision.data
    provision * Consent.provision""",
    "Consent.provision.actor": """
    role 1 CodeableConcept
    reference 1 Reference""",
    "Consent.provision.data": """
    meaning 1 <instance|related|dependents|authoredby>
    reference 1 Reference""",
    "Patient": _DOMAIN_RESOURCE
    + """
    identifier * Identifier
    active ? boolean
    name * HumanName
    telecom * ContactPoint
    gender ? <male|female|other|unknown>
    birthDate ? date
    deceasedBoolean ? boolean
    deceasedDateTime ? dateTime
    address * Address
    maritalStatus ? CodeableConcept
    multipleBirthBoolean ? boolean
    multipleBirthInteger ? integer
    photo * Attachment
    contact * Patient.contact
    communication * Patient.communication
    generalPractitioner * Reference
    managingOrganization ? Reference
    link * Patient.link""",
    "Patient.contact": """
    relationship * CodeableConcept
    name ? HumanName
    telecom * ContactPoint
    address ? Address
    gender ? <male|female|other|unknown>
    organization ? Reference
    period ? Period""",
    "Patient.communication": """
    language 1 CodeableConcept
    preferred ? boolean""",
    "Patient.link": """
    other 1 Reference
    type 1 <replaced-by|replaces|refer|seealso>""",
}
"""The elements of Appointment, Slot, Consent and Patient."""
_READ_ONLY = {
    name: f"{_DOMAIN_RESOURCE}\n    modifierExtension * Extension{text}"
    for name, text in READ_ONLY.items()
}
_ELEMENT_BASE = "id ? string\nextension * Extension\n"
"""The elements of every data type and of every part of a resource."""
_CARDINALITY = {"?": (False, False), "1": (True, False), "*": (False, True), "+": (True, True)}
"""Whether an element is required, and whether it is a list."""


class ElementDefinition(NamedTuple):
    """The definition of one element: cardinality, and type or allowed codes."""

    required: bool
    is_list: bool
    type: str
    codes: tuple[str, ...] = ()


def _parse_element(line: str) -> tuple[str, ElementDefinition]:
    name, cardinality, type_ = line.split()
    required, is_list = _CARDINALITY[cardinality]
    if type_.startswith("<"):
        return name, ElementDefinition(required, is_list, "code", tuple(type_[1:-1].split("|")))
    return name, ElementDefinition(required, is_list, type_)


def _parse_structure(text: str) -> Mapping[str, ElementDefinition]:
    return dict(_parse_element(line) for line in text.strip().splitlines())


STRUCTURES: Mapping[str, Mapping[str, ElementDefinition]] = {
    name: _parse_structure(
        (_ELEMENT_BASE if "resourceType" not in text else "") + text.lstrip("\n")
    )
    for name, text in (_RESOURCES | _MESSAGING | _DATA_TYPES | _READ_ONLY).items()
}
"""The elements of each type; types that are not listed are not validated."""
