"""The `braggtrace` command line, one module a verb.

A verb module has two functions, `add_arguments(parser)` and `run(args) -> int` (the exit status), and is imported only
when its verb is used. `main.py` holds the table of verbs.
"""
