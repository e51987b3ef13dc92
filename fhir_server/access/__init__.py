"""Who may: SMART, policy, audit. Reserved: the room keeps its floor until authorization is built."""
