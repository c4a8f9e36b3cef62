"""Define the elements of the resources that apps only read, as data.

The form is that of `structure_definitions`. What is inside of a BackboneElement or a Dosage is not
looked into.

Source: FHIR R4, resourcelist.html.
"""

_GENDER = "<male|female|other|unknown>"
_PARTICIPANT_STATUS = (
    "<accepted|declined|tentative|in-process|completed|needs-action|entered-in-error>"
)
_OBSERVATION_STATUS = (
    "<registered|preliminary|final|amended|corrected|cancelled|entered-in-error|unknown>"
)
_PRESCRIPTION_STATUS = "<active|on-hold|cancelled|completed|entered-in-error|stopped|draft|unknown>"
_INTENT = "<proposal|plan|order|original-order|reflex-order|filler-order|instance-order|option>"
_DISPENSE_STATUS = (
    "<preparation|in-progress|cancelled|on-hold|"
    "completed|entered-in-error|stopped|declined|unknown>"
)

READ_ONLY = {
    "RelatedPerson": f"""
    identifier * Identifier
    active ? boolean
    patient 1 Reference
    relationship * CodeableConcept
    name * HumanName
    telecom * ContactPoint
    gender ? {_GENDER}
    birthDate ? date
    address * Address
    photo * Attachment
    period ? Period
    communication * BackboneElement""",
    "Practitioner": f"""
    identifier * Identifier
    active ? boolean
    name * HumanName
    telecom * ContactPoint
    address * Address
    gender ? {_GENDER}
    birthDate ? date
    photo * Attachment
    qualification * BackboneElement
    communication * CodeableConcept""",
    "PractitionerRole": """
    identifier * Identifier
    active ? boolean
    period ? Period
    practitioner ? Reference
    organization ? Reference
    code * CodeableConcept
    specialty * CodeableConcept
    location * Reference
    healthcareService * Reference
    telecom * ContactPoint
    availableTime * BackboneElement
    notAvailable * BackboneElement
    availabilityExceptions ? string
    endpoint * Reference""",
    "Organization": """
    identifier * Identifier
    active ? boolean
    type * CodeableConcept
    name ? string
    alias * string
    telecom * ContactPoint
    address * Address
    partOf ? Reference
    contact * BackboneElement
    endpoint * Reference""",
    "Location": """
    identifier * Identifier
    status ? <active|suspended|inactive>
    operationalStatus ? Coding
    name ? string
    alias * string
    description ? string
    mode ? <instance|kind>
    type * CodeableConcept
    telecom * ContactPoint
    address ? Address
    physicalType ? CodeableConcept
    position ? BackboneElement
    managingOrganization ? Reference
    partOf ? Reference
    hoursOfOperation * BackboneElement
    availabilityExceptions ? string
    endpoint * Reference""",
    "HealthcareService": """
    identifier * Identifier
    active ? boolean
    providedBy ? Reference
    category * CodeableConcept
    type * CodeableConcept
    specialty * CodeableConcept
    location * Reference
    name ? string
    comment ? string
    extraDetails ? markdown
    photo ? Attachment
    telecom * ContactPoint
    coverageArea * Reference
    serviceProvisionCode * CodeableConcept
    eligibility * BackboneElement
    program * CodeableConcept
    characteristic * CodeableConcept
    communication * CodeableConcept
    referralMethod * CodeableConcept
    appointmentRequired ? boolean
    availableTime * BackboneElement
    notAvailable * BackboneElement
    availabilityExceptions ? string
    endpoint * Reference""",
    "ChargeItemDefinition": """
    url 1 uri
    identifier * Identifier
    version ? string
    title ? string
    derivedFromUri * uri
    partOf * canonical
    replaces * canonical
    status 1 <draft|active|retired|unknown>
    experimental ? boolean
    date ? dateTime
    publisher ? string
    contact * ContactDetail
    description ? markdown
    useContext * UsageContext
    jurisdiction * CodeableConcept
    copyright ? markdown
    approvalDate ? date
    lastReviewDate ? date
    effectivePeriod ? Period
    code ? CodeableConcept
    instance * Reference
    applicability * BackboneElement
    propertyGroup * BackboneElement""",
    "Schedule": """
    identifier * Identifier
    active ? boolean
    serviceCategory * CodeableConcept
    serviceType * CodeableConcept
    specialty * CodeableConcept
    actor + Reference
    planningHorizon ? Period
    comment ? string""",
    "AppointmentResponse": f"""
    identifier * Identifier
    appointment 1 Reference
    start ? instant
    end ? instant
    participantType * CodeableConcept
    actor ? Reference
    participantStatus 1 {_PARTICIPANT_STATUS}
    comment ? string""",
    "Immunization": """
    identifier * Identifier
    status 1 <completed|entered-in-error|not-done>
    statusReason ? CodeableConcept
    vaccineCode 1 CodeableConcept
    patient 1 Reference
    encounter ? Reference
    occurrenceDateTime ? dateTime
    occurrenceString ? string
    recorded ? dateTime
    primarySource ? boolean
    reportOrigin ? CodeableConcept
    location ? Reference
    manufacturer ? Reference
    lotNumber ? string
    expirationDate ? date
    site ? CodeableConcept
    route ? CodeableConcept
    doseQuantity ? Quantity
    performer * BackboneElement
    note * Annotation
    reasonCode * CodeableConcept
    reasonReference * Reference
    isSubpotent ? boolean
    subpotentReason * CodeableConcept
    education * BackboneElement
    programEligibility * CodeableConcept
    fundingSource ? CodeableConcept
    reaction * BackboneElement
    protocolApplied * BackboneElement""",
    "Observation": f"""
    identifier * Identifier
    basedOn * Reference
    partOf * Reference
    status 1 {_OBSERVATION_STATUS}
    category * CodeableConcept
    code 1 CodeableConcept
    subject ? Reference
    focus * Reference
    encounter ? Reference
    effectiveDateTime ? dateTime
    effectivePeriod ? Period
    effectiveTiming ? Timing
    effectiveInstant ? instant
    issued ? instant
    performer * Reference
    valueQuantity ? Quantity
    valueCodeableConcept ? CodeableConcept
    valueString ? string
    valueBoolean ? boolean
    valueInteger ? integer
    valueRange ? Range
    valueRatio ? Ratio
    valueSampledData ? SampledData
    valueTime ? time
    valueDateTime ? dateTime
    valuePeriod ? Period
    dataAbsentReason ? CodeableConcept
    interpretation * CodeableConcept
    note * Annotation
    bodySite ? CodeableConcept
    method ? CodeableConcept
    specimen ? Reference
    device ? Reference
    referenceRange * BackboneElement
    hasMember * Reference
    derivedFrom * Reference
    component * BackboneElement""",
    "MedicationRequest": f"""
    identifier * Identifier
    status 1 {_PRESCRIPTION_STATUS}
    statusReason ? CodeableConcept
    intent 1 {_INTENT}
    category * CodeableConcept
    priority ? <routine|urgent|asap|stat>
    doNotPerform ? boolean
    reportedBoolean ? boolean
    reportedReference ? Reference
    medicationCodeableConcept ? CodeableConcept
    medicationReference ? Reference
    subject 1 Reference
    encounter ? Reference
    supportingInformation * Reference
    authoredOn ? dateTime
    requester ? Reference
    performer ? Reference
    performerType ? CodeableConcept
    recorder ? Reference
    reasonCode * CodeableConcept
    reasonReference * Reference
    instantiatesCanonical * canonical
    instantiatesUri * uri
    basedOn * Reference
    groupIdentifier ? Identifier
    courseOfTherapyType ? CodeableConcept
    insurance * Reference
    note * Annotation
    dosageInstruction * Dosage
    dispenseRequest ? BackboneElement
    substitution ? BackboneElement
    priorPrescription ? Reference
    detectedIssue * Reference
    eventHistory * Reference""",
    "Medication": """
    identifier * Identifier
    code ? CodeableConcept
    status ? <active|inactive|entered-in-error>
    manufacturer ? Reference
    form ? CodeableConcept
    amount ? Ratio
    ingredient * BackboneElement
    batch ? BackboneElement""",
    "MedicationDispense": f"""
    identifier * Identifier
    partOf * Reference
    status 1 {_DISPENSE_STATUS}
    statusReasonCodeableConcept ? CodeableConcept
    statusReasonReference ? Reference
    category ? CodeableConcept
    medicationCodeableConcept ? CodeableConcept
    medicationReference ? Reference
    subject ? Reference
    context ? Reference
    supportingInformation * Reference
    performer * BackboneElement
    location ? Reference
    authorizingPrescription * Reference
    type ? CodeableConcept
    quantity ? Quantity
    daysSupply ? Quantity
    whenPrepared ? dateTime
    whenHandedOver ? dateTime
    destination ? Reference
    receiver * Reference
    note * Annotation
    dosageInstruction * Dosage
    substitution ? BackboneElement
    detectedIssue * Reference
    eventHistory * Reference""",
}
"""The elements of each type besides those of every DomainResource."""
