"""Actions that run others, one after another, and the report that says which."""
