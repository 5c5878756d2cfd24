"""Signing a contract on the pages: what is to be signed, whether it was read, by which mark, and the record of it."""
