"""Services: units of systemd and programs of supervisor, started, stopped, scaled and limited."""
