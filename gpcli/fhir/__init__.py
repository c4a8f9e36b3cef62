"""FHIR mapping by resource family: `read_x` maps FHIR JSON to model records, `write_x` back."""
