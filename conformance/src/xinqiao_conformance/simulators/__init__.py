"""Simulated institutions: processes of their own that play the other side of a gateway."""
