from enum import Enum


class ChangeKind(str, Enum):
    CREATED = "CREATED"
    MERGED = "MERGED"
    SPLIT = "SPLIT"
    MOVED = "MOVED"
    QUARANTINED = "QUARANTINED"
    RELEASED = "RELEASED"
    ERASED = "ERASED"


class CustomerKind(str, Enum):
    KNOWN = "KNOWN"
    ANONYMOUS = "ANONYMOUS"
    QUARANTINED = "QUARANTINED"


class IdentifierKind(str, Enum):
    PERSON = "PERSON"
    DEVICE = "DEVICE"


class InvalidCode(str, Enum):
    BAD_INPUT = "BAD_INPUT"
    NAME_TAKEN = "NAME_TAKEN"
    NOT_FOUND = "NOT_FOUND"
    DONE_BEFORE = "DONE_BEFORE"
    FEEDS_OTHERS = "FEEDS_OTHERS"
    STALE = "STALE"
    POLICY_INVALID = "POLICY_INVALID"
    PROFILES_INVALID = "PROFILES_INVALID"
    READING_RULES_INVALID = "READING_RULES_INVALID"
    DESTINATION_INVALID = "DESTINATION_INVALID"


class KeyRole(str, Enum):
    READER = "READER"
    AGENT = "AGENT"
    ADMIN = "ADMIN"
    INSTANCE = "INSTANCE"
    WRITE = "WRITE"


class NotFoundReason(str, Enum):
    UNKNOWN = "UNKNOWN"
    BLOCKED_VALUE = "BLOCKED_VALUE"
    INVALID_VALUE = "INVALID_VALUE"
    NOT_YET = "NOT_YET"


class Verdict(str, Enum):
    SAME = "SAME"
    APART = "APART"
    DETACH = "DETACH"
