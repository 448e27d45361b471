"""perftui.toml read into typed settings, what can be discovered, secrets by reference, and where files live."""
