"""Driver clients of servers: TLS, credentials, deadlines; shared by collectors and actions."""
