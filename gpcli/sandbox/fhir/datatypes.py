"""The elements of R4's data types, in the notation of `shapes`."""

RESOURCE = """
    resourceType 1 string
    id ? id
    meta ? Meta
    implicitRules ? uri
    language ? code
    text ? Narrative
    contained * Resource
    extension * Extension"""
"""What every resource with a narrative may have."""

_CHOICES = """
    base64Binary boolean canonical code date dateTime decimal id instant integer markdown oid
    positiveInt string time unsignedInt uri url uuid Age Address Annotation Attachment
    CodeableConcept Coding ContactPoint Count Distance Duration HumanName Identifier Money
    Period Quantity Range Ratio Reference Signature Timing Meta"""

VALUES = "\n".join(f"value{c[0].upper()}{c[1:]} ? {c}" for c in _CHOICES.split())
"""The element value[x], of any type."""

_QUANTITY = """
    value ? decimal
    comparator ? <<|<=|>=|>>
    unit ? string
    system ? uri
    code ? code"""

DATA_TYPES = {
    "Element": "",
    "Extension": f"url 1 uri\n{VALUES}",
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
"""Data type to its elements; those that are not here are not looked into."""
