"""Secrets that no command may tell: what they are, where they are put, who echoes them, and how they are found."""
