"""``python -m xinqiao_conformance``: the same command line."""

from xinqiao_conformance.cli import main

if __name__ == "__main__":
    main()
