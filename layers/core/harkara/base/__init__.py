"""Errors, ids, JSON and time: what every other folder builds on."""
