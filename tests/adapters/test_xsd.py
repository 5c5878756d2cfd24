"""Violations of a partner's XSD: each at its own element, and no more of them than a rejection holds."""

import pytest
from lxml import etree

from xinqiao.errors import ContentRefused
from xinqiao_adapters.channel import load_channel
from xinqiao_adapters.formats.xml.document import Schema, parse_xml

SCHEMA = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a" elementFormDefault="qualified">
  <xs:element name="R"><xs:complexType><xs:sequence>
    <xs:element name="N" maxOccurs="unbounded"><xs:complexType><xs:simpleContent>
      <xs:extension base="xs:integer"><xs:attribute name="k" type="xs:integer"/></xs:extension>
    </xs:simpleContent></xs:complexType></xs:element>
    <xs:element name="M" type="xs:integer" minOccurs="0"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>
"""


@pytest.mark.parametrize(
    ("document", "wrong"),
    [
        ('<R xmlns="urn:a"><N>1</N><N>x</N><M>y</M></R>', ["x", "y"]),
        ('<a:R xmlns:a="urn:a"><a:N>x</a:N><a:N>1</a:N><a:M>y</a:M></a:R>', ["x", "y"]),
        ('<a:R xmlns:a="urn:a"><a:N>1</a:N><N xmlns="urn:a">x</N><a:N>z</a:N></a:R>', ["x", "z"]),
        ('<R xmlns="urn:a"><N>1</N><N k="x">2</N></R>', ["2"]),
    ],
)
def test_each_violation_is_at_the_element_that_is_wrong(document: str, wrong: list[str]) -> None:
    schema = Schema(etree.XMLSchema(etree.fromstring(SCHEMA)))
    found = schema.violations(parse_xml(document.encode(), "UTF-8"))
    nodes = list(dict.fromkeys(each.node for each in found if each.node is not None))
    assert [node.text for node in nodes] == wrong


def test_many_violations_cost_one_walk_and_stop_at_what_a_rejection_holds() -> None:
    bank = load_channel("demo-bank", [])
    sample = (bank.folders[0] / "samples" / "kyc_apply.xml").read_bytes()
    wrong = b"<Ans><QNo>!!</QNo><Ans>A</Ans></Ans>" * 5000
    with pytest.raises(ContentRefused) as caught:
        list(bank.adapter.decode(sample.replace(b"<AnsList>", b"<AnsList>" + wrong), "application/xml"))
    places = [str(each.partner_path).partition(",")[0] for each in caught.value.findings]
    assert places == [f"Body/AnsList/Ans[{number}]/QNo" for number in range(1, 1001)]
