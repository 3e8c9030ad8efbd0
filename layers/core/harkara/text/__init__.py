"""Normalise phone numbers, measure texts in segments, and find URLs in them."""
