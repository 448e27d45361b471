"""Proof: what the readings after an action say of it."""
