"""A caller is handed to a human: a pure machine decides, its edges dial, close gates and speak."""
