"""Before the call: manifest → desired, servers → observed, the difference → plan, and apply makes it so."""
