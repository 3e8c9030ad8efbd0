"""Read phone numbers, and measure texts in segments."""
