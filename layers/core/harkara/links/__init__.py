"""Shorten the links of a message, and follow a click to where it leads."""
