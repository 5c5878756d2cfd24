"""The commands of ``xinqiao-conformance``, a module for each kind."""
