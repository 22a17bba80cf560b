"""The commands of `dialroom`, one file per subject; `cli.py` puts them together. They decide nothing."""
