"""Certification from outside: requirements, simulators, mutants and the runner."""
