"""Build each function's services: one module a function, so that none imports more than it needs.

`on_aws` connects a function's adapters, with the settings in its environment, and passes them to
`wire`, which builds the services. Tests call `wire` with adapters of their own.
"""
