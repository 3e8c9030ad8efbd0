"""Turn carriers' receipts into final states, and end messages that get no receipt."""
