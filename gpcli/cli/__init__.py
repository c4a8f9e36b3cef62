"""The command line; only here is typer used."""
