"""The command line: the only part of gpcli that knows typer."""
