"""The fixtures of this room."""

from tests.interactions.desk import desk

__all__ = ["desk"]
