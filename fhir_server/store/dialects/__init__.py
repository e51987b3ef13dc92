"""One module family a database: how statements reach it, and how its writes are written."""
