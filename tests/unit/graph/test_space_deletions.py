"""Every label that is written is deleted with the space, or belongs to none."""

from __future__ import annotations

import re

from identity_service.graph.space_deletions import STEPS
from identity_service.graph.statements import statement, statement_names

WRITTEN = re.compile(r"(?:CREATE|MERGE) \(\w*:(\w+)|FOR \(\w+:(\w+)\)")
DELETED = re.compile(r"MATCH \(n:(\w+)")

OF_THE_INSTANCE = {"AppliedSchema"}
BEGUN_AND_ENDED_WITH = {"Space", "SpaceDeletion", "Source"}
BESIDE_ANOTHER = {"SuperConnector", "Contested"}  # a second label of a node


def test_whatever_label_is_written_is_deleted_with_the_space() -> None:
    texts = [statement(name).definition.text for name in statement_names()]
    written = {label for text in texts for each in WRITTEN.findall(text) for label in each if label}
    deleted = {label for step in STEPS for label in DELETED.findall(step.definition.text)}

    assert written - deleted == OF_THE_INSTANCE | BEGUN_AND_ENDED_WITH | BESIDE_ANOTHER
    assert deleted <= written
