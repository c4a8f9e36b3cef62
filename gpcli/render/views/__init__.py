"""The view of each kind of record: its columns as data."""
