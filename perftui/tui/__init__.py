"""The console: it draws the state and holds nothing that matters."""
