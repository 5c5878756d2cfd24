"""Upkeep: archives, retention, backup and restore, upgrade. What an installation needs to live for years.

Nothing here is on the path of a message: each step is one bounded commit of the journal's writer, or reads.
"""
