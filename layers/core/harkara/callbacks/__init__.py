"""Post final states and events to platforms, retry, and keep the failed ones as dead letters."""
