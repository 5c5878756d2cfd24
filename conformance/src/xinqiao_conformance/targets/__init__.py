"""Targets that prove the suite: a reference gateway that it passes, and wrong ones that it fails."""
