"""What a manifest costs a month: carrier, AI and platform, SIP beside WebSocket stream, and when another is cheaper."""
