"""Records of fixed width: layouts, files, the access to slices of a line."""
