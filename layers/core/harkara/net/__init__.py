"""Outgoing HTTP: to carriers, and to the addresses that customers give."""
