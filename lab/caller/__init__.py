"""The synthetic caller: a SIP user agent that talks, listens, records, and measures on the wire."""
