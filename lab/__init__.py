"""The lab: everything that stands in for the outside world on one machine. Never used in production."""
