"""One module a search parameter type: its values, how they are parsed and what a resource leaves in the index."""
