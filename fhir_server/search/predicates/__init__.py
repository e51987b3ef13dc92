"""What a criterion asks of a row: conditions as frozen data, one module a search parameter type."""
