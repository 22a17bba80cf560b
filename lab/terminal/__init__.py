"""What the lab shows on a terminal: progress of long work, a call as it happens, summaries."""
