"""What platforms send to us, one module an API."""
