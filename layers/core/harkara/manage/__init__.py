"""Let an account read and change what it has sent and registered."""
