"""Calls with SIP programs that nobody here wrote."""
