"""Every error that the service raises on purpose, and nothing else.

::

    IdentityServiceError          code, status, remedy
    ├── BadInput                  400  what was sent cannot be read
    │   ├── FieldInvalid          400  one field that cannot be taken as it is
    │   │   ├── NameTaken         400  another has the name
    │   │   ├── NoSuch            400  it names what is not there
    │   │   ├── DoneBefore        400  what it names was withdrawn or decided before
    │   │   └── FeedsOthers       400  a source that only the instance administrator may change
    │   ├── PolicyInvalid         400  a policy text with mistakes, each with its path
    │   ├── ProfilesInvalid       400  a text of profiles with mistakes, each with its path
    │   ├── ReadingRulesInvalid   400  reading rules with mistakes, each with its path
    │   ├── DestinationInvalid    400  the definition of a destination with mistakes, likewise
    │   └── TooLarge              413  beyond a bound
    ├── TooSlow                   408  a request that did not arrive in time
    ├── Unauthorised              401  no key, or one that is not known
    ├── Forbidden                 403  a key that may not do this
    ├── NotFound                  404  no such space, judgement, key, …
    ├── Conflict                  409  the name is taken, the version is not the one in force
    │   ├── VersionConflict       409  another version of the policy, or of rules, is in force
    │   └── Stale                 409  what was read has changed since; try again
    ├── Overloaded                429  the queue is full; try again after `retry_after` seconds
    ├── Unavailable               503  the database does not answer; try again
    │   ├── Contended             503  others kept changing the same customers; try again
    │   ├── SourcePaused          503  the source is paused: keep the events, and try again
    │   └── TimeUp                503  an operation took longer than it may
    ├── SecretsLocked             503  secrets cannot be encrypted or read here
    ├── StatementFailed           500  the database refused a statement of ours
    ├── SourceFailed              502  what events are read from refuses, or does not answer
    ├── SchemaMismatch            500  the applied schema is not the one that is shipped
    ├── MissingExtra              500  a library that is not installed here
    └── RuntimeFailed             500  the managed Neo4j could not be fetched, started or stopped
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class IdentityServiceError(Exception):
    """The root. `message` says what is wrong, `remedy` what to do about it."""

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class BadInput(IdentityServiceError):
    """What was sent cannot be read or is not allowed."""

    code = "BAD_INPUT"
    status = 400


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it stands (`types.email.limit`) and what would be right."""

    path: str
    message: str


class FieldInvalid(BadInput):
    """One field, named by its path, that cannot be taken as it is."""

    def __init__(self, path: str, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.problems = (Problem(path, str(self)),)


class NameTaken(FieldInvalid):
    """The name that is to be given belongs to another."""

    code = "NAME_TAKEN"


class NoSuch(FieldInvalid):
    """A field names what is not there, or what the key may not know."""

    code = "NOT_FOUND"


class DoneBefore(FieldInvalid):
    """A field names what was withdrawn or decided before."""

    code = "DONE_BEFORE"


class FeedsOthers(FieldInvalid):
    """A source feeds other spaces too, so that only the instance administrator may change it."""

    code = "FEEDS_OTHERS"


class PolicyInvalid(BadInput):
    """A policy text with mistakes; none of it was applied."""

    code = "POLICY_INVALID"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"The policy has a mistake at {first.path}: {first.message}{more}")
        self.problems = problems


class ProfilesInvalid(BadInput):
    """A text of traits, features and audiences with mistakes; none of it was applied."""

    code = "PROFILES_INVALID"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"The profiles have a mistake at {first.path}: {first.message}{more}")
        self.problems = problems


class ReadingRulesInvalid(BadInput):
    """Reading rules of a source with mistakes; none of them was applied."""

    code = "READING_RULES_INVALID"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"The rules have a mistake at {first.path}: {first.message}{more}")
        self.problems = problems


class DestinationInvalid(BadInput):
    """The definition of a destination with mistakes; none of it was applied."""

    code = "DESTINATION_INVALID"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"The definition has a mistake at {first.path}: {first.message}{more}")
        self.problems = problems


class TooLarge(BadInput):
    """Beyond a bound that the message names."""

    code = "TOO_LARGE"
    status = 413


class TooSlow(IdentityServiceError):
    """A part of the request did not arrive in time."""

    code = "REQUEST_TIMEOUT"
    status = 408

    def __init__(self, part: str, seconds: float) -> None:
        super().__init__(
            f"The {part} of the request did not arrive within {seconds:g} s.",
            remedy="Send it again.",
        )


class Unauthorised(IdentityServiceError):
    """No key, or one that is not known."""

    code = "UNAUTHORISED"
    status = 401


class Forbidden(IdentityServiceError):
    """A known key that may not do this."""

    code = "FORBIDDEN"
    status = 403


class NotFound(IdentityServiceError):
    """Nothing of that name."""

    code = "NOT_FOUND"
    status = 404


class Conflict(IdentityServiceError):
    """The name is taken, or the version named is not the one in force."""

    code = "CONFLICT"
    status = 409


class VersionConflict(Conflict):
    """Another version of the policy, or of reading rules, is in force than the caller expected."""

    code = "VERSION_CONFLICT"

    def __init__(self, current_version: int, of: str = "policy") -> None:
        super().__init__(
            f"Version {current_version} of the {of} is in force.",
            remedy="Read it, and name its version as the expected one.",
        )
        self.current_version = current_version


class Stale(Conflict):
    """What the work rested on was changed by somebody else before it was written."""

    code = "STALE"


class Overloaded(IdentityServiceError):
    """More work waits than may wait."""

    code = "OVERLOADED"
    status = 429

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message, remedy=f"Send it again after {retry_after} s.")
        self.retry_after = retry_after


class Unavailable(IdentityServiceError):
    """The database does not answer."""

    code = "UNAVAILABLE"
    status = 503
    retry_after: ClassVar[int] = 2


class Contended(Unavailable):
    """Others kept changing the customers that something was to be written about."""

    def __init__(self, *, remedy: str) -> None:
        super().__init__("The same customers are being changed by too many at once.", remedy=remedy)


class SourcePaused(Unavailable):
    """The source is paused. Its SDK keeps the events and sends them again."""

    code = "SOURCE_PAUSED"
    retry_after: ClassVar[int] = 30

    def __init__(self, source: str) -> None:
        super().__init__(
            f"The source “{source}” is paused.",
            remedy="Keep the events, and send them again later.",
        )


class TimeUp(Unavailable):
    """An operation over GraphQL took longer than it may. Nothing of it goes on."""

    code = "TIME_UP"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The operation took longer than {seconds:,g} s. What it had written by then stays.",
            remedy="Ask for less at a time.",
        )


class SecretsLocked(IdentityServiceError):
    """The key with which secrets are encrypted is not set, or is another one."""

    code = "SECRETS_LOCKED"
    status = 503


class StatementFailed(IdentityServiceError):
    """The database refused a statement of ours: a defect, not a user's mistake."""

    code = "STATEMENT_FAILED"


class SourceFailed(IdentityServiceError):
    """A database that events are read from refuses, or does not answer."""

    code = "SOURCE_FAILED"
    status = 502


class SchemaMismatch(IdentityServiceError):
    """The schema in the database is not the one that this version ships."""

    code = "SCHEMA_MISMATCH"


class RuntimeFailed(IdentityServiceError):
    """The managed Neo4j could not be fetched, started or stopped."""

    code = "NEO4J_FAILED"


class MissingExtra(IdentityServiceError):
    """This needs a library that comes with an extra and is not installed here."""

    code = "MISSING_EXTRA"
