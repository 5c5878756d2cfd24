"""The simulated bank: its own XML documents in GB18030, its own codes, its own reply."""
