"""How a partner docks: the sections of a channel profile that say by which ways messages come and go.

A section is what a front needs to know of a partner, and says nothing of messages. The gateway runs what it describes.
"""

from xinqiao_adapters.docking.conformance import Conformance
from xinqiao_adapters.docking.files import Files
from xinqiao_adapters.docking.h5 import H5
from xinqiao_adapters.docking.mail import Mail
from xinqiao_adapters.docking.push import Push
from xinqiao_adapters.docking.tcp import Tcp

__all__ = ["H5", "Conformance", "Files", "Mail", "Push", "Tcp"]
