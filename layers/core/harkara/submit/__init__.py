"""Take a stored batch from the queue to its carriers, and record the outcome."""
