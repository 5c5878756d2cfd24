"""The service: all of a gateway that can be reloaded, as one value that is built whole, checked, and swapped whole.

An input that came in under one service ends under it; nothing in it changes once it is built.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from xinqiao_gateway.admission import Admission, Allowance
from xinqiao_gateway.calendars import read_calendars
from xinqiao_gateway.channels import Channels, ServedChannel
from xinqiao_gateway.delivery import check_files, check_lease
from xinqiao_gateway.documents import Documents
from xinqiao_gateway.fingerprints import channel_fingerprint, file_fingerprints
from xinqiao_gateway.installation import Installation
from xinqiao_gateway.intake import Intake
from xinqiao_gateway.journal import Governance, Journal
from xinqiao_gateway.obligations import Book, read_obligations
from xinqiao_gateway.operators import Operators
from xinqiao_gateway.policy import Policy
from xinqiao_gateway.resolution import Desk
from xinqiao_gateway.settings import Settings
from xinqiao_gateway.sms import sms_sender
from xinqiao_gateway.telemetry.observer import NOBODY, Observer

__all__ = ["FIXED", "Service", "governance_of"]

# Settings that only a restart changes.
FIXED = frozenset(
    {
        "institution_code", "journal_url", "tls_certificate", "tls_key", "metrics_port", "metrics_host", "master_key",
        "documents", "connections", "grpc_port", "grpc_host", "grpc_client_ca", "sftp_port", "sftp_host", "sftp",
        "payment",
        "sms",
    }
)  # fmt: skip
# What is read beside channels and settings.
_FILES = ("policy.yaml", "obligations.yaml", "operators.yaml", "admin.token", "calendars/*.yaml", "watch-lists/*.txt")


@dataclass(frozen=True, slots=True)
class Service:
    """What the fronts are served from. ``fingerprints`` are the channels', ``files`` those of all else that is read."""

    installation: Installation
    operators: Operators
    governance: Governance
    intake: Intake
    desk: Desk
    fingerprints: Mapping[str, str]
    files: Mapping[str, str]

    @property
    def channels(self) -> Channels:
        """The channels that are served."""
        return self.installation.channels

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.installation.settings

    @property
    def webhooks(self) -> list[tuple[str, str]]:
        """Name and URL of each webhook."""
        return [(each.name, str(each.url)) for each in self.settings.webhooks]

    @classmethod
    def build(
        cls,
        installation: Installation,
        journal: Journal,
        backlog: Callable[[str], int],
        documents: Callable[[], Documents],
        observer: Observer = NOBODY,
    ) -> Self:
        """Read all that stands beside an installation's channels, and check it.

        ``backlog`` says how many deliveries wait for a channel, ``documents`` opens the documents. Raises a
        ``ConfigurationError`` with file and line.
        """
        data, settings, channels = installation.data, installation.settings, installation.channels
        sms_sender(settings.sms)
        check_lease(channels, settings.lease)
        allowances = {each.channel_id: _allowance(each, settings) for each in channels}
        governance = governance_of(installation, journal.reading.vault.keyed_digest, observer)
        check_files(channels, governance.book.calendars)
        return cls(
            installation=installation,
            operators=Operators.load(data),
            governance=governance,
            intake=Intake(
                channels,
                journal,
                Admission(allowances, journal.now, backlog),
                seal_max_age=timedelta(seconds=settings.seal_max_age),
                messages_limit=settings.messages_limit,
                observer=observer,
            ),
            desk=Desk(journal, channels, settings.institution_code, installation.key, documents),
            fingerprints={each.channel_id: channel_fingerprint(each, data) for each in channels},
            files=file_fingerprints(data, *_FILES),
        )


def governance_of(installation: Installation, digest: Callable[[str], str], observer: Observer = NOBODY) -> Governance:
    """Read the policy and the obligations of an installation. Raises ``SettingsInvalid`` with file and line."""
    data = installation.data
    calendars = read_calendars(data)
    interfaces = {each.channel_id: each.channel.profile.interfaces for each in installation.channels}
    webhooks = [each.name for each in installation.settings.webhooks]
    terms = read_obligations(data, calendars, sorted(interfaces), webhooks, interfaces)
    policy = Policy.load(data / "policy.yaml", data / "watch-lists", digest, observer)
    return Governance(policy, Book(terms, calendars, digest))


def _allowance(channel: ServedChannel, settings: Settings) -> Allowance:
    limits = channel.channel.profile.limits
    return Allowance(
        concurrency=limits.concurrency or settings.concurrency,
        rate=limits.rate,
        burst=limits.burst,
        queue=limits.queue or settings.queue,
    )
