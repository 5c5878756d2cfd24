"""``python -m xinqiao_gateway``: the same as the command ``xinqiao-gateway``."""

from xinqiao_gateway.cli import main

main()
