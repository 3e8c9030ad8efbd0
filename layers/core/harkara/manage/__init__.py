"""Let an account read and change its messages and resources."""
