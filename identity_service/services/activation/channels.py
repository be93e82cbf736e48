"""Opens the channel of a destination, with its secrets."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from identity_service.activation.definition import Definition, parse_definition
from identity_service.activation.vendors import ADAPTERS, DestinationVendor, rules_of
from identity_service.graph.destinations import StoredDestination
from identity_service.graph.keys import DestinationKey
from identity_service.services.activation.channel import Channel, HttpChannel
from identity_service.services.activation.files import ParquetFiles
from identity_service.services.activation.guard import AddressGuard
from identity_service.services.activation.sql_table import SqlTable
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.vault import Vault


class Channels:
    """Opens them. `files` is what destinations of files write below, if anything."""

    def __init__(self, vault: Vault, guard: AddressGuard, files: str | None, clock: Clock) -> None:
        self._vault = vault
        self._guard = guard
        self._files = files
        self._clock = clock

    def sealed(self, key: DestinationKey, secrets: Mapping[str, str]) -> str:
        """Secrets as they are stored. Raises SecretsLocked."""
        return self._vault.seal(orjson.dumps(dict(secrets)).decode(), str(key))

    def secrets(self, destination: StoredDestination) -> dict[str, str]:
        """The secrets of a destination. Raises SecretsLocked."""
        return orjson.loads(self._vault.open(destination.secrets, str(destination.key)))

    def open(
        self,
        destination: StoredDestination,
        definition: Definition,
        secrets: Mapping[str, str],
    ) -> Channel:
        """The way to a destination. Opens no connection yet."""
        match DestinationVendor(destination.vendor):
            case DestinationVendor.SQL:
                return SqlTable(definition)
            case DestinationVendor.FILES:
                return ParquetFiles(definition, self._files, self._clock)
            case vendor:
                adapter = ADAPTERS[vendor](definition)
                return HttpChannel(adapter, secrets, self._guard, self._clock)


def definition_of(destination: StoredDestination) -> Definition:
    """What goes to a destination. Raises DestinationInvalid."""
    return parse_definition(destination.definition, rules_of(DestinationVendor(destination.vendor)))
