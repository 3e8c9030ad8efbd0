"""Submit messages to providers and read their receipts, one module a provider."""
