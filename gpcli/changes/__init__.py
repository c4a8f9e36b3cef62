"""What is new at the portal, and telling it."""
