"""Leases: how one agent keeps others off a target while it changes it."""
