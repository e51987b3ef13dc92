"""Checks resources against the definitions: structure, types, formats, bindings and references."""
