"""The Xinqiao SDK: messages, validation, seal, client and receiver for partners.

Typed messages live in ``xinqiao.v1``; everything else speaks canonical JSON (a ``dict``).
Nothing is imported here, so that ``import xinqiao`` stays cheap and free of side effects.
"""
