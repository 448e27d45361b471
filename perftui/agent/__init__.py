"""The composition root of the agent: the engine started, served and stopped."""
