"""The contract of actions, the guard, the audit log, and one file per family."""
