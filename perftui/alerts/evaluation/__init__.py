"""Readings in, alerts out: rules at work."""
