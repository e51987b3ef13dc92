"""Search: a query string becomes a Query, a Query becomes SQL, a resource becomes index entries."""
