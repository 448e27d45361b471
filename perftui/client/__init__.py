"""The one client of the agent's protocol, used by the console and the headless commands."""
