"""A believable clinic of our own: deterministic, streaming sample data, no foreign content, no real people."""
