"""Partner formats: bytes to a parsed document and back. What the nodes mean is for the mapping engine."""
