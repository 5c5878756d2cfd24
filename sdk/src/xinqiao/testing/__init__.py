"""Messages to test with: the published examples, generated valid ones, and ones with a single known fault."""

from xinqiao.testing.examples import (
    BANK,
    CASE_ID,
    INSURER,
    TRUST_COMPANY,
    example,
    patched,
    rule_vectors,
    vector,
    vectors,
)
from xinqiao.testing.faults import Fault, faults_of
from xinqiao.testing.generation import generated, well_formed

__all__ = [
    "BANK",
    "CASE_ID",
    "INSURER",
    "TRUST_COMPANY",
    "Fault",
    "example",
    "faults_of",
    "generated",
    "patched",
    "rule_vectors",
    "vector",
    "vectors",
    "well_formed",
]
