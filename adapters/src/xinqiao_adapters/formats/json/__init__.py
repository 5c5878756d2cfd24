"""JSON of partners: documents and lines."""
