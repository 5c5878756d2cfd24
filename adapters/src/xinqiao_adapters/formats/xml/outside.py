"""What stands around the records of an XML document, and the records, as markup."""

from lxml import etree

from xinqiao_adapters.formats.xml.document import PARSING, SIBLINGS, XmlDocument
from xinqiao_adapters.mapping.plan import Source

__all__ = ["taken_apart"]

_HERE = "records"


def taken_apart(markup: str, records: Source, siblings: bool) -> tuple[str, str, str]:
    """Return the markup before the records of a document, of the records, and after them.

    Where there is none, records stand at the end of their parent; the elements on the way to them are made where
    they are not there.
    """
    whole = f"<{SIBLINGS}>{markup}</{SIBLINGS}>" if siblings else markup
    root: XmlDocument = etree.fromstring(whole.encode(), etree.XMLParser(**PARSING))
    parent = root
    for step in records[:-1]:
        found = parent.find(step)
        parent = found if found is not None else etree.SubElement(parent, step)
    own = list(parent.iterchildren(records[-1]))
    place = parent.index(own[0]) if own else len(parent)
    parent.insert(place, etree.Comment(_HERE))
    parent.insert(place + len(own) + 1, etree.Comment(_HERE))
    text = etree.tostring(root, encoding="unicode")
    if siblings:
        text = text[text.index(">") + 1 : text.rindex("<")]
    head, inside, tail = text.split(f"<!--{_HERE}-->")
    return head, inside, tail
