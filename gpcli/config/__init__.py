"""Where gpcli keeps things, which portals it knows, and what this run was asked to be."""
