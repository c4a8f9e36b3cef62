"""The elements of what patients write to their surgery, in the notation of `shapes`."""

from gpcli.sandbox.fhir.datatypes import RESOURCE, VALUES

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

LETTER_SHAPES = {
    "Communication": RESOURCE
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
    "Task": RESOURCE
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
    "Task.parameter": f"type 1 CodeableConcept\n{VALUES}",
    "DocumentReference": RESOURCE
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
"""Type to its elements (FHIR R4): Communication, Task, DocumentReference, Binary."""
