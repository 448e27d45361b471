"""The audit log: written before the first step and at the end, and read back after a restart."""
