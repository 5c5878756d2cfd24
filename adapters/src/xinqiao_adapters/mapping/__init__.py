"""The mapping engine: rows of a profile become a plan, a plan becomes generated code for both directions.

It knows nodes by their ``Access`` only; bytes, files and transports are none of its business.
"""
