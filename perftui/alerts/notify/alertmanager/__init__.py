"""Alertmanagers, kept in step: they get the alerts of their route, and silences hold on both sides."""
