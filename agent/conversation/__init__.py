"""What is said, whatever carries it: prompt, digits. Knows no room and no socket."""
