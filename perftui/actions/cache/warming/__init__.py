"""How a cache is warmed: what a recipe yields, how it is pinned for a plan, and how it is written."""
