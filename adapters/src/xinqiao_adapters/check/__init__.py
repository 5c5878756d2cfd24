"""Proves a channel: on the samples and cases beside its profile, and on generated messages."""

from xinqiao_adapters.check.proof import check_channel
from xinqiao_adapters.check.report import CheckReport
from xinqiao_adapters.check.samples import sample_files

__all__ = ["CheckReport", "check_channel", "sample_files"]
