"""Measurements that can be repeated: `python -m bench`. Times live here, never in a test."""
