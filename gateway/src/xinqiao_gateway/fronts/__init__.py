"""Ways in and out. A front knows its transport and nothing of business; all hand raw input to the intake."""
