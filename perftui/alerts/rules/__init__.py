"""Rules: what one is, the defaults, what perftui.toml says instead, and how that file is edited."""
