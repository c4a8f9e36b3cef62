"""The rows of the catalogue: one for each resource type, by what the types are about."""
