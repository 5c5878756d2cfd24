"""Telemetry: what is seen of a running gateway from outside. Counts, durations and ids, never contents.

The stations know ``observer`` and ``traces``; who counts (``metrics``) is handed to them.
"""
