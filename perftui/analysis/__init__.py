"""Pure functions over what was read: what it means, and what would help."""
