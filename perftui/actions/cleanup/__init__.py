"""Cleanup: what can go, found exactly and removed carefully."""
