"""One file per `$operation`. Reserved: the room keeps its floor until operations are built."""
