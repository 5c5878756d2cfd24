"""The gateway: carries messages between channels and loses none."""
