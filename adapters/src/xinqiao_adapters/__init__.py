"""Channel profiles, the mapping engine and partner formats. No I/O but reading profiles."""
