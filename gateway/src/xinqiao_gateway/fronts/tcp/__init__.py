"""Framed TCP, in and out: a connection, a head that says how long the body is, the body, and an answer alike."""
