"""The vocabulary that everything else is written in: standard library and msgspec only."""
