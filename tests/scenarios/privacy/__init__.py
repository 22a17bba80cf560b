"""Who hears what of a briefing, packet by packet."""
