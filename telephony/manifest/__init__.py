"""The manifest ``dialroom.yaml``: numbers, agents, and where Vobiz and LiveKit are."""
