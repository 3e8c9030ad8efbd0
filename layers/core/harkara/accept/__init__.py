"""Turn a request into a stored batch and a reference in the queue."""
