"""Reminders, billing, waitlist. Reserved: the room keeps its floor until workflows are built."""
