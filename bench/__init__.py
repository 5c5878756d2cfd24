"""Benchmarks against peers, in one run on one machine. Trust the ratios, not the absolutes."""
