"""Alertmanagers, kept in step: they get every alert, and silences hold on both sides."""
