"""The interface between ctcbench and a plugin; nothing here imports torch or numpy.

A plugin author reads, in this order: `hooks` (every hook), `components` (the decorators), `options` (what an
option may be), and the types that a component receives and returns: `specs`, `data`, `hypothesis`,
`model_parameters`, `executors`. Errors that a component raises on purpose are in `errors`.
"""
