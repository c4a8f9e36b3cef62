"""gpcli from Python: the portal that `gpcli.connect()` gives, and plans of what would be sent."""
