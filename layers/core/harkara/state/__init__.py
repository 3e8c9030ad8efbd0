"""Share rates, circuit breakers and endpoint health among all processes."""
