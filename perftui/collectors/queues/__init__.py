"""The job queues on a Redis server: found, counted and timed in the round trip that polls the server."""
