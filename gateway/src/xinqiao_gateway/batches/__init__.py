"""Batches of files: what happens to a finished file, whatever folder it came from. Knows no transport.

A batch is a data file with its manifest (清单), and is answered with a result file (结果文件). It is taken by
``batches.Batches``; ``taking.Taking`` is the same as the poller of folders wants it.
"""
