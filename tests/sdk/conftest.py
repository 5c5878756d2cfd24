"""Settings of the SDK's property tests."""

from hypothesis import settings

# A busy machine is no failure: no test asserts on time.
settings.register_profile("sdk", deadline=None)
settings.load_profile("sdk")
