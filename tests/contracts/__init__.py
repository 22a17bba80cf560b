"""What the world outside promises, as tests: the same suite describes the lab's stand-in and the real thing."""
