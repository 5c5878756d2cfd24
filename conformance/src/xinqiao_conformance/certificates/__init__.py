"""Certificates over results, and the registry of who conforms to what."""
