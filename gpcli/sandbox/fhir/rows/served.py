"""What a row of the catalogue is, and what rows have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpcli.sandbox.fhir.parameters import Param, token

HL7 = "http://hl7.org/fhir"
"""Where R4 keeps the code systems of its plain codes."""
IDENTIFIER: dict[str, Param] = {"identifier": token("identifier")}
"""The parameter that nearly every type has."""


@dataclass(frozen=True)
class Served:
    """How one resource type is served.

    `letters` are the interactions open to patients' apps (out of `cruds`); `compartment` is the
    search that finds the patient's own ones, empty if the type is shared by all;
    `full_access` tells whether consent to Full Access is needed; `kept_by` are the parameters
    (type, name) by which the patient's other resources hold on to one, which makes it theirs too.
    """

    params: Mapping[str, Param] = field(default_factory=dict)
    letters: str = "rs"
    compartment: str = ""
    full_access: bool = False
    kept_by: tuple[tuple[str, str], ...] = ()
