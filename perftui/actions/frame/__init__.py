"""The frame around every action: who may do what when, and what becomes of it."""
