"""Code systems, value sets, concept maps. Reserved: the room keeps its floor until terminology is built."""
