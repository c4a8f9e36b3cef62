"""The elements of the resources that apps may write (FHIR R4).

A line is: element, cardinality (`?` 0..1, `1` 1..1, `*` 0..*, `+` 1..*), type. A type in angle
brackets lists the codes that a required binding allows.
"""

from collections.abc import Mapping
from typing import NamedTuple

from gpcli.sandbox.fhir.datatypes import DATA_TYPES, RESOURCE
from gpcli.sandbox.fhir.letter_shapes import LETTER_SHAPES


class Shape(NamedTuple):
    """One element: whether it must be there, whether it is a list, its type or its codes."""

    required: bool
    many: bool
    type: str
    codes: tuple[str, ...] = ()


_APPOINTMENT_STATUS = (
    "proposed|pending|booked|arrived|fulfilled|"
    "cancelled|noshow|entered-in-error|checked-in|waitlist"
)

_WRITTEN = {
    "Appointment": RESOURCE
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
    "Slot": RESOURCE
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
    "Consent": RESOURCE
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
    "Patient": RESOURCE
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

_ELEMENT = "id ? string\nextension * Extension\n"
_CARDINALITY = {"?": (False, False), "1": (True, False), "*": (False, True), "+": (True, True)}


def _shape(line: str) -> tuple[str, Shape]:
    name, cardinality, type_ = line.split()
    required, many = _CARDINALITY[cardinality]
    if type_.startswith("<"):
        return name, Shape(required, many, "code", tuple(type_[1:-1].split("|")))
    return name, Shape(required, many, type_)


def _shapes(text: str) -> Mapping[str, Shape]:
    return dict(_shape(line) for line in text.strip().splitlines())


SHAPES: Mapping[str, Mapping[str, Shape]] = {
    name: _shapes((_ELEMENT if "resourceType" not in text else "") + text.lstrip("\n"))
    for name, text in (_WRITTEN | LETTER_SHAPES | DATA_TYPES).items()
}
"""Type to its elements. Types that are not here are not looked into."""
