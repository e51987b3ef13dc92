"""Topics, the relay and the channels. Reserved: the room keeps its floor until subscriptions are built."""
