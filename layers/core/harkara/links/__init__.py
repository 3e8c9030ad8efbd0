"""Shorten the URLs of a message, and redirect a visitor of a short link to its URL."""
