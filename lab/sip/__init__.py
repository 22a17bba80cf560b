"""SIP over UDP for the lab: shared by the gateway and the synthetic caller, which may both misbehave on purpose."""
