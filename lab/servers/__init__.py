"""The real servers of the local stack: found or built, started on loopback, gone with their parent."""
