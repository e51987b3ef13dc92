"""Keeps versions: tables, migrations, the one way to read and write them on SQLite and PostgreSQL."""
