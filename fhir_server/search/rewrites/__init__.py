"""Small steps from a `Query` to conditions: chains, `_has`, compartments, `:missing`, sort keys."""
