"""A stateful stand-in for Vobiz's REST API over real HTTP, with the real API's habits. Used by nothing but the lab."""
