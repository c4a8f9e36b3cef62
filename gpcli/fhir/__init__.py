"""One module per kind of record: `read_x` turns a resource into ours, `write_x` the reverse."""
