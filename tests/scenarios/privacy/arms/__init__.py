"""Workers that keep nothing private, so that a run shows that it would notice."""
