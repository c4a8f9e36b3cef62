"""Serve FHIR R4: REST interactions, search, transactions, and the rules for patients."""
