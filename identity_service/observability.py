"""What an operator sees: metrics and log lines. Neither ever holds a value of a customer's."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Iterable
from typing import Any, Final, cast

import structlog
from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry
from structlog.typing import Processor

METRICS_DIR: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The metrics library's variable: the folder where processes keep figures for each other."""

_IN_FILES: Final = METRICS_DIR in os.environ
"""Whether this process does so; the library, too, looks when it is imported."""

STATEMENT_SECONDS: Final = Histogram(
    "identity_statement_seconds",
    "Time of a statement in the database, every attempt by itself.",
    ["statement"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
STATEMENT_RETRIES: Final = Counter(
    "identity_statement_retries_total",
    "Attempts at a statement that were repeated.",
    ["statement"],
)
STATEMENT_FAILURES: Final = Counter(
    "identity_statement_failures_total",
    "Statements that failed for good, by the code of the error that came of it.",
    ["statement", "code"],
)
MESSAGE_ID_COLLISIONS: Final = Counter(
    "identity_message_id_collisions_total",
    "Events of a source that were kept although another event has their message id.",
    ["space", "source"],
)
SOURCE_EVENTS: Final = Counter(
    "identity_source_events_total",
    "Events of a source by what became of them: accepted, known, dropped or rejected.",
    ["source", "outcome"],
)
INVALID_PROOFS: Final = Counter(
    "identity_invalid_proofs_total",
    "Events of a source with a proof of their user id that is not valid; they count as unproven.",
    ["source"],
)
INVALID_SIGNATURES: Final = Counter(
    "identity_invalid_signatures_total",
    "Requests to a source of webhooks that its vendor did not sign, or not lately.",
    ["source"],
)
DESTINATION_OPERATIONS: Final = Counter(
    "identity_destination_operations_total",
    "Operations at a destination (upsert, merge, erase, event) by what became of them: done, later,"
    " dead, and of events unknown.",
    ["space", "destination", "action", "outcome"],
)
DESTINATION_PAUSES: Final = Counter(
    "identity_destination_pauses_total",
    "How often the service paused a destination by itself, since it lets nothing in.",
    ["space", "destination"],
)
BACKGROUND_FAILURES: Final = Counter(
    "identity_background_failures_total",
    "Errors of work in the background, which is done again after a pause.",
    ["task"],
)
PROFILES_COMPUTED: Final = Counter(
    "identity_profiles_computed_total",
    "Profiles of customers that were computed.",
    ["space"],
)
PROFILES_POSTPONED: Final = Counter(
    "identity_profiles_postponed_total",
    "Times that a customer with very many events had to wait for its profile.",
    ["space"],
)
PROFILES_TOO_LARGE: Final = Counter(
    "identity_profiles_too_large_total",
    "Times that a customer had too many events for its profile to be computed.",
    ["space"],
)
PROFILES_WAIT_SECONDS: Final = Gauge(
    "identity_profiles_wait_seconds",
    "How long the customer that has waited longest for its profile has waited.",
    ["space"],
    multiprocess_mode="mostrecent",
)


class AllProcesses(Collector):
    """The figures of this process and of those that share `METRICS_DIR` with it, added up."""

    def collect(self) -> Iterable[Metric]:
        """As the metrics library has it."""
        families: dict[str, Metric] = {}
        values: dict[str, dict[tuple[str, frozenset[tuple[str, str]]], float]] = {}
        figures: list[Metric] = [] if _IN_FILES else list(REGISTRY.collect())
        figures += cast("Any", MultiProcessCollector(CollectorRegistry())).collect()
        for family in figures:
            families.setdefault(family.name, family)
            of_family = values.setdefault(family.name, {})
            for sample in family.samples:
                key = sample.name, frozenset(sample.labels.items())
                of_family[key] = of_family.get(key, 0) + sample.value
        for name, family in families.items():
            family.samples = []
            for (sample, labels), value in values[name].items():
                family.add_sample(sample, dict(labels), value)
        return families.values()


def places(error: BaseException) -> list[str]:
    """Where an error came about, for a log: `file:line function`, outermost first.

    In the place of its text, which may hold what a customer sent.
    """
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def configure_logging(level: int = logging.INFO) -> None:
    """Send every log line, ours and the libraries', to standard error: JSON unless on a terminal.

    Called once by a process, never at import.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    terminal = sys.stderr.isatty()
    rendered: list[Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if terminal
        # A plain traceback: one that shows local variables would print what customers sent.
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
