"""Turn carriers' receipts into final states, and settle what gets none."""
