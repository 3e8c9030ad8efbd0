"""Post final states and events to platforms, retry, and keep what nobody took."""
