"""How each kind of record looks: columns as data."""
