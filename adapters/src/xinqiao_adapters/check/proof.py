"""The whole check of a channel: samples, cases, generated messages, coverage, code tables, proposals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain

from xinqiao.message import Json
from xinqiao_adapters.channel import Channel
from xinqiao_adapters.check.alike import alike_rows, with_swapped
from xinqiao_adapters.check.case_run import CaseRun
from xinqiao_adapters.check.cases import CaseFile, PlacedCase, is_at_or_below, read_cases
from xinqiao_adapters.check.codes import CodesSeen, unexplained_codes
from xinqiao_adapters.check.generated import GeneratedLaws, valid_bases
from xinqiao_adapters.check.profile_rows import said_rows, unconfirmed
from xinqiao_adapters.check.queries import query_problems
from xinqiao_adapters.check.report import CheckReport
from xinqiao_adapters.check.sample_laws import SampleLaws, batch_problems
from xinqiao_adapters.check.samples import Readers, Sample, SampleRecord, nearest, read_sample, sample_files
from xinqiao_adapters.coverage import coverage_of, open_required
from xinqiao_adapters.interface import CompiledInterface
from xinqiao_adapters.mapping.compiled import Mapping, Record
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.marked import Mark
from xinqiao_adapters.plan_leaves import PlanLeaves

__all__ = ["Proof", "check_channel", "proof_of"]

# Generated messages of each interface in an everyday check.
MESSAGES = 20


def check_channel(channel: Channel, messages: int = MESSAGES) -> CheckReport:
    """Check a channel against what stands beside its profile, and against generated messages.

    A sample ``samples/<anything>.xml`` (txt, csv, xlsx, form, json) has its expected message, or an array of them, in a
    ``.json`` beside it (``.expected.json`` where the sample is itself ``.json``). Decoding gives what is expected,
    encoding gives the sample, all samples and cases together exercise every row, and no two rows could be swapped
    unseen. ``messages`` are generated for each interface. Raises ``ProfileInvalid`` for a ``tests.yaml`` that cannot be
    read.
    """
    proof = proof_of(channel)
    report = CheckReport(channel.channel_id)
    report.samples, report.cases = len(proof.samples), len(proof.cases.cases)
    report.records = sum(len(sample.records) for sample in proof.samples)
    report.problems += proof.sample_problems()
    for name, interface in channel.compiled.items():
        report.problems += proof.interface_problems(interface)
        report.problems += [f"{name}: {each}" for each in _open(interface)]
        report.coverage[name] = coverage_of(interface.mapping.plan)
        report.problems += proof.alike_problems(interface)
    report.problems += proof.case_problems()
    report.problems += [each for said in proof.cases.codes for each in proof.seen.listed(said)]
    report.rows = len(proof.rows)
    report.problems += [*proof.unexercised(), *proof.stale(), *proof.seen.problems()]
    report.problems += [*unexplained_codes(channel.profile, channel.compiled), *unconfirmed(channel.profile)]
    for name, interface in channel.compiled.items():
        laws = proof.generated_laws(interface)
        report.problems += [f"{name}: {each}" for each in laws.problems(messages)]
        report.messages[name] = laws.proved
    for name, interface in channel.queries.items():
        report.problems += [f"{name}: {each}" for each in query_problems(interface, messages)]
    return report


def proof_of(channel: Channel) -> "Proof":
    """Read the samples and cases of a channel.

    Raises ``ProfileInvalid`` for a ``tests.yaml`` that cannot be read.
    """
    if not channel.compiled:
        return Proof(channel, [], CaseFile())
    readers = Readers(channel.compiled)
    samples = [read_sample(readers, path) for path in sample_files(channel)]
    found = nearest(channel, "tests.yaml")
    return Proof(channel, samples, read_cases(found[0]) if found else CaseFile())


def _open(interface: CompiledInterface) -> Iterator[str]:
    if interface.spec.comes_in:
        for path in open_required(interface.mapping.plan):
            yield f"the standard requires {path}, and no row reads it"


@dataclass
class Proof:
    """Samples and cases of a channel, read once, and what they show of its interfaces."""

    channel: Channel
    samples: Sequence[Sample]
    cases: CaseFile
    exercised: set[Mark] = field(default_factory=set)
    found: dict[str, list[tuple[Record, Reading]]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)

    @cached_property
    def seen(self) -> CodesSeen:
        """Which codes of which table samples and lists show."""
        return CodesSeen(self.channel.profile, self.channel.compiled)

    @property
    def rows(self) -> dict[Mark, str]:
        """The lines of rows, each with an interface that it is of."""
        compiled = self.channel.compiled.items()
        return {
            each.leaf.mark: name for name, interface in compiled for each in PlanLeaves(interface.mapping.plan).leaves
        }

    def sample_problems(self) -> Iterator[str]:
        """Yield what is wrong with samples before any law is asked."""
        for sample in self.samples:
            yield from (f"{sample.path.name}: {each}" for each in sample.problems)

    def interface_problems(self, interface: CompiledInterface) -> Iterator[str]:
        """Yield what the samples show to be wrong with an interface."""
        laws = self._laws(interface)
        yield from self._record_problems(laws)
        self.exercised |= {reading.leaf.mark for _, reading in laws.found} | laws.written
        self.known |= laws.known
        self.seen.read(interface.name, (reading for _, reading in laws.found))
        for path in laws.unexplained:
            yield f"{interface.name}: no row reads {path}; map it, or say why not under unmapped in tests.yaml"
        self.found[interface.name] = laws.found

    def _laws(self, interface: CompiledInterface) -> SampleLaws:
        readers = Readers({**self.channel.compiled, interface.name: interface})
        return SampleLaws(interface, readers, self.cases.explains)

    def _records(self, interface: CompiledInterface) -> Iterator[tuple[str, list[SampleRecord]]]:
        for sample in self.samples:
            yield sample.path.name, [each for each in sample.records if each.traced.interface == interface.name]

    def _record_problems(self, laws: SampleLaws) -> Iterator[str]:
        for name, records in self._records(laws.interface):
            problems = [each for record in records for each in laws.problems(record)]
            if laws.interface.writes_files and len(records) > 1 and not problems:
                messages = [each.traced.message for each in records]
                problems += batch_problems(laws.interface, laws.readers, messages)
            yield from (f"{name}: {each}" for each in problems)

    def stale(self) -> Iterator[str]:
        """Yield a problem for a path that is said to be read by no row, and is, or holds one that is."""
        for path, mark in self.cases.unmapped:
            read = [each for each in sorted(self.known) if is_at_or_below(each, path)]
            if read:
                yield f"{mark}: unmapped: {path}: a row reads or writes {', '.join(read)}; name only what none does"

    def alike_problems(self, interface: CompiledInterface) -> Iterator[str]:
        """Yield the pairs of rows whose places could be swapped without a sample or a case that fails."""
        plan = interface.mapping.plan
        for alike in alike_rows(self.channel.profile, interface.name, plan, self.found.get(interface.name, ())):
            mapping = Mapping(f"{interface.name}~", with_swapped(plan, alike), interface.mapping.access)
            if not self.sees(replace(interface, mapping=mapping)):
                yield (
                    f"{interface.name}: {alike} have the same text in every sample: a swap would not be seen; "
                    "give them texts of their own in a sample or a case"
                )

    def sees(self, other: CompiledInterface) -> bool:
        """Whether a sample or a case fails with an interface that is not the channel's own."""
        laws = self._laws(other)
        if any(laws.misreads(each) for _, records in self._records(other) for each in records):
            return True
        trial = Proof(self.channel, (), self.cases)
        return any(True for _ in chain(self._record_problems(laws), laws.unexplained, trial.case_problems(other)))

    def case_problems(self, interface: CompiledInterface | None = None) -> Iterator[str]:
        """Yield what is wrong with the cases; with those of one interface where it is given."""
        compiled = dict(self.channel.compiled) | ({} if interface is None else {interface.name: interface})
        run = CaseRun(compiled, Readers(compiled), self.exercised)
        for placed in self.cases.cases:
            if interface is None or _is_of(placed, interface):
                yield from run.problems(placed)

    def unexercised(self) -> Iterator[str]:
        """Yield a problem for each row that no sample and no case exercises."""
        need_none = {
            each.leaf.mark
            for interface in self.channel.compiled.values()
            for each in PlanLeaves(interface.mapping.plan).leaves
            if each.leaf.source is None
        }
        rows = self.rows
        for mark in sorted(set(rows) - self.exercised - need_none, key=str):
            yield f"{mark}: no sample exercises this row ({rows[mark]})"

    def generated_laws(self, interface: CompiledInterface) -> GeneratedLaws:
        """Return the laws of an interface on generated messages."""
        profile, body = self.channel.profile, interface.spec.message
        whole = {each.names for each in said_rows(profile, interface.name) if each.row.fraction == "drop"}
        found: list[Json] = [
            record.traced.message
            for sample in self.samples
            for record in sample.records
            if record.traced.interface == interface.name
        ]
        return GeneratedLaws(interface, Readers(self.channel.compiled), valid_bases(body, found), frozenset(whole))


def _is_of(placed: PlacedCase, interface: CompiledInterface) -> bool:
    return placed.case.interface == interface.name
