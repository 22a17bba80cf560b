"""During the call: worker → call → session → tools → conversation."""
