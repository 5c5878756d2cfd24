"""The interface document (接口文档) that a partner receives: what a profile says, for people to read and print."""

from xinqiao_adapters.interface_document.build import InterfaceDocument, document_of
from xinqiao_adapters.interface_document.page import Language, html_of

__all__ = ["InterfaceDocument", "Language", "document_of", "html_of"]
