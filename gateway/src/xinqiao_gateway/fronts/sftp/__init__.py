"""Batch files: folders here and on partners' servers, watched by pollers, and a server for partners who have none."""
