"""Errors, ids, JSON and time: the foundation of every other folder."""
