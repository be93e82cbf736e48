"""What the files of polled sources have in common: their types, and how mistakes are named."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from identity_service.domain.policies.durations import DURATION_HELP, parse_duration
from identity_service.domain.policies.yaml_text import read_yaml
from identity_service.errors import BadInput, Problem

MAX_BYTES: Final = 256 * 1024
"""Longest file that is read."""

M = TypeVar("M", bound=BaseModel)


def read_data(text: str) -> Any:
    """The data of a file. Raises BadInput where it is no YAML."""
    data, problems = read_yaml(text, name="the file", max_bytes=MAX_BYTES)
    if problems:
        raise _mistaken(problems)
    return data


def checked(model: type[M], data: Any) -> M:
    """The data as a model. Raises BadInput that names every mistake with its path."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _mistaken(_problems(error)) from None


def _duration(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f"a duration is {DURATION_HELP}")
    return parse_duration(value)


def _columns(value: object) -> object:
    return [value] if isinstance(value, str) else value


Column = Annotated[str, Field(min_length=1)]
Columns = Annotated[tuple[Column, ...], BeforeValidator(_columns)]
Duration = Annotated[int, BeforeValidator(_duration)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Strict(BaseModel):
    """A model that takes nothing that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _problems(error: ValidationError) -> list[Problem]:
    """Never with what stands there: somebody may have put an address where a name belongs."""
    return [
        Problem(
            ".".join(map(str, cast("tuple[Any, ...]", mistake["loc"]))) or "the file",
            mistake["msg"].removeprefix("Value error, "),
        )
        for mistake in error.errors(include_input=False, include_url=False)
    ]


def _mistaken(problems: list[Problem]) -> BadInput:
    said = "; ".join(f"{problem.path}: {problem.message}" for problem in problems)
    return BadInput(
        f"It is no file of a source: {said}.",
        remedy="The documentation describes it, on the pages about databases and CRMs.",
    )
