"""From what fires to who is told: incidents, the outbox, and the ways out."""
