"""References: the smallest right implementation of each role, in this process. Mutants break one of its steps."""
