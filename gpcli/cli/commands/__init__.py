"""The commands as data: what each is, and the registry of all."""
