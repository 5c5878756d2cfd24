"""Tables with a header: CSV and Excel."""
