"""Checks of a portal, for CI: each proves lines of the contract in docs/portal.md."""
