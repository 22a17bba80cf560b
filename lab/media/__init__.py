"""Telephone audio for the lab: codecs, RTP paced on one clock, digits, ordering, resampling."""
