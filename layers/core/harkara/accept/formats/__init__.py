"""Parse requests as platforms send them, one module per API."""
