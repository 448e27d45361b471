"""What outlives the agent: SQLite files in the state folder."""
