"""XML: parsing, streams of records, the partner's XSD, sibling roots."""
