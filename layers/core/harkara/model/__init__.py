"""Accounts, messages and tasks as plain data, without input or output."""
