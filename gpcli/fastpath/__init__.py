"""Answers that need neither typer nor the network, at the cost of a bare interpreter.

Only `os`, `sys` and `time` are imported. The texts come from `table`, which
`python -m gpcli.cli.tables` makes from the command tree.
"""
