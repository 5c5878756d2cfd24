"""The cases of the suite, a folder for each role that is tested, a module for each theme."""
