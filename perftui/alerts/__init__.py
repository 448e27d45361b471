"""Rules and the states that they give rise to."""
