"""The resource types that the portal serves, as data: search parameters and who may do what.

Search parameters are those of FHIR R4 (searchparameter-registry.html); a type is added by a row.
"""

from collections.abc import Mapping

from gpcli.sandbox.fhir.parameters import Param, date, token, uri
from gpcli.sandbox.fhir.rows.directory import DIRECTORY
from gpcli.sandbox.fhir.rows.medicines import MEDICINES
from gpcli.sandbox.fhir.rows.record import RECORD
from gpcli.sandbox.fhir.rows.served import Served
from gpcli.sandbox.fhir.rows.threads import THREADS
from gpcli.sandbox.fhir.rows.visits import VISITS

__all__ = ["EVERY_TYPE", "TYPES", "Served", "param", "params"]

EVERY_TYPE: Mapping[str, Param] = {
    "_id": token("id"),
    "_lastUpdated": date("meta.lastUpdated"),
    "_profile": uri("meta.profile"),
    "_security": token("meta.security"),
    "_tag": token("meta.tag"),
}
"""Parameters of every type (FHIR R4, search.html#all)."""

TYPES: Mapping[str, Served] = {**DIRECTORY, **VISITS, **RECORD, **THREADS, **MEDICINES}
"""What the portal serves."""


def param(type_: str, name: str) -> Param | None:
    """The search parameter of a type; None if it has none of that name."""
    return TYPES[type_].params.get(name) or EVERY_TYPE.get(name)


def params(type_: str) -> dict[str, Param]:
    """Every search parameter of a type, those of every type among them."""
    return {**EVERY_TYPE, **TYPES[type_].params}
