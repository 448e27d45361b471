"""Written cases of rules, run in virtual time."""
