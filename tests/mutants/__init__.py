"""Mutations of the services that claim, submit, end, call back, check, sweep and authenticate."""
