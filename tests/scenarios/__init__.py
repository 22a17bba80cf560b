"""Whole calls on the whole stack: real livekit-server and Valkey, real SIP and RTP, the real worker."""
