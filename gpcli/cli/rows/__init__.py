"""The rows of the registry, a module for each section of the root help."""
