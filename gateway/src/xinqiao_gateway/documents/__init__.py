"""Documents (scans, contracts, recordings; 影像、合同、录音录像) beside the journal: content-addressed and encrypted.

Messages refer to them by digest. Knows no transport: every front calls ``Documents`` and ``Access``.
"""

from xinqiao_gateway.documents.access import Access
from xinqiao_gateway.documents.catalogue import Removed
from xinqiao_gateway.documents.digests import Digests, DocumentDigest
from xinqiao_gateway.documents.documents import Documents, Opened
from xinqiao_gateway.documents.header import Facts
from xinqiao_gateway.documents.kinds import Kind, Kinds, Sizes, shipped_kinds
from xinqiao_gateway.documents.room import DocumentSettings
from xinqiao_gateway.documents.store import Directory, DocumentStore, Writing
from xinqiao_gateway.documents.upload import Announced, Stored, Upload

__all__ = [
    "Access",
    "Announced",
    "Digests",
    "Directory",
    "DocumentDigest",
    "DocumentSettings",
    "DocumentStore",
    "Documents",
    "Facts",
    "Kind",
    "Kinds",
    "Opened",
    "Removed",
    "Sizes",
    "Stored",
    "Upload",
    "Writing",
    "shipped_kinds",
]
