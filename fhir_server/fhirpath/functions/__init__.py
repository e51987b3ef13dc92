"""The functions of FHIRPath, one file a family; `functions.table` is the whole list."""
