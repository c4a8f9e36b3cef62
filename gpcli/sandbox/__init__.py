"""The embedded portal: a whole GP portal for one machine (FHIR R4 + SMART App Launch 2.2).

Written from the contract in `docs/portal.md`; it shares no code with the client and imports
nothing of gpcli, so that the two can only agree by both keeping to the contract.
"""
