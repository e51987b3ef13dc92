"""Measures the server beside a raw baseline on the same stack; see `python -m benchmarks --help`."""
