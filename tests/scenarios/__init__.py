"""The fifteen cases of practice, each from the partner's raw input to its outcome."""
