"""The rules, one kind a module; `validator.compile` puts them together for each type."""
