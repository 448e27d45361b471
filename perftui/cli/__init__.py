"""The commands; each imports its half of perftui only when it is chosen."""
