"""Serve a whole GP portal on one machine: FHIR R4 and SMART App Launch 2.2.

It is written from the contract in `docs/portal.md` and imports nothing else of gpcli, so that
the client and the portal can only agree by both keeping to the contract.
"""
