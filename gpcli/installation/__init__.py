"""gpcli as a package: how this copy was installed, and whether it has what it needs."""
