"""The user's own commands and HTTP calls as actions."""
