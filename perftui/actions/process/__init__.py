"""Processes: signal, renice, ionice; each pinned by its pid and start time."""
