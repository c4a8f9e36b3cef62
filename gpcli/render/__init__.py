"""Everything that a person or a script sees is written here, and every question asked."""
