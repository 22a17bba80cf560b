"""The host's firewall as text: the carrier's addresses to our SIP and RTP ports, and nobody else."""
