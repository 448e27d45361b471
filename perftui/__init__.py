"""perftui: a terminal monitoring console for on-call engineers. See it, fix it, prove it."""

__version__ = "0.1.0"
