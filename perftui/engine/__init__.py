"""The poller, its resilience, and the hub that hands out the latest state."""
