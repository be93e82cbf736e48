# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (graphql-core leaves its generic types without arguments)
"""Lists of plain records without the cost of a resolver for each field of each of them.

A customer has twenty identifiers of which somebody asks for five fields: that is a hundred
fields to execute, three quarters of the time of the whole request. Where all that is asked for
are attributes of the records, the list is made here in one go; everything else takes the
general way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cache, partial
from operator import attrgetter
from typing import Any, Final, NoReturn, TypeAlias, cast

from graphql import (
    GraphQLObjectType,
    get_named_type,
    is_enum_type,
    is_introspection_type,
    is_leaf_type,
    is_non_null_type,
)
from graphql.pyutils import gather_with_cancel
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from identity_service.api.graphql.context import Scoped
from identity_service.api.graphql.limits import (
    FIELDS_OF_TEXT,
    MAX_FIELDS,
    MAX_ITEMS,
    MAX_SCHEMA_FIELDS,
)
from identity_service.errors import TooLarge

Readers: TypeAlias = Sequence[tuple[str, Callable[[Any], Any], Callable[[Any], Any]]]
"""Name in the answer, how to take the value from a record, and the scalar's output."""


SLICE: Final = 100
"""Entries of a list that are worked on without a pause, some milliseconds."""


class PlainListExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor with the short way, and with the limits on one answer.

    `exceeded` is the error of an answer that is too large. From then on no field is executed, and
    what was answered until then is to be thrown away.
    """

    exceeded: TooLarge | None = None
    _items = 0
    _fields = 0
    _schema_fields = 0

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        """As graphql-core has it; no field of an answer that is too large."""
        if self.exceeded is not None:
            self._exceed(self.exceeded.message, self.exceeded.remedy)
        if is_introspection_type(parent_type):
            self._count_schema_fields(len(grouped_field_set))
        elif parent_type.name == "_Service":
            self._count_schema_fields(len(grouped_field_set) * FIELDS_OF_TEXT)
        else:
            self._count_fields(len(grouped_field_set))
        return super().execute_fields(
            parent_type, source_value, path, grouped_field_set, position_context
        )

    def complete_list_value(
        self,
        return_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """As graphql-core has it."""
        if isinstance(result, list | tuple):
            records = cast("Sequence[Any]", result)
            self._items += len(records)
            if self._items > MAX_ITEMS:
                self._exceed(
                    f"The answer would hold more than {MAX_ITEMS:,} entries of lists.",
                    "Ask for fewer at a time with “first”.",
                )
            item_type = _nullable(return_type.of_type)
            if len(records) > 1 and isinstance(item_type, GraphQLObjectType):
                scoped = type(records[0]) is Scoped
                readers = self._readers(item_type, field_details_list, scoped=scoped)
                if readers is not None:
                    self._count_fields(len(records) * len(readers))
                    return [
                        {name: output(value_of(record)) for name, value_of, output in readers}
                        for record in records
                    ]
        return super().complete_list_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def complete_iterable_value(
        self,
        item_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        items: Any,
        position_context: Any,
    ) -> Any:
        """As graphql-core has it; a long list slice by slice, so that others have their turn."""
        rest = (field_details_list, info, path, items, position_context)
        named = get_named_type(item_type)
        long = isinstance(items, list | tuple) and len(cast("Sequence[Any]", items)) > SLICE
        if not long or is_leaf_type(named) or is_introspection_type(named):
            return super().complete_iterable_value(item_type, *rest)
        return self._in_slices(item_type, *rest)

    async def _in_slices(
        self,
        item_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        items: Any,
        context: Any,
    ) -> list[Any]:
        completed: list[Any] = []
        waiting: list[int] = []
        try:
            for index, item in enumerate(items):
                if index and index % SLICE == 0:
                    await asyncio.sleep(0)
                place = path.add_key(index, None)
                if self.complete_list_item_value(
                    item, completed, item_type, field_details_list, info, place, context
                ):
                    waiting.append(index)
        except BaseException:
            self.settle_in_background([completed[index] for index in waiting])
            raise
        answers = await gather_with_cancel(*(completed[index] for index in waiting))
        for index, answer in zip(waiting, answers, strict=True):
            completed[index] = answer
        return completed

    def _count_fields(self, number: int) -> None:
        self._fields += number
        if self._fields > MAX_FIELDS:
            self._exceed(
                f"The answer would hold more than {MAX_FIELDS:,} fields.",
                "Ask for fewer fields, or for fewer customers at a time.",
            )

    def _count_schema_fields(self, number: int) -> None:
        self._schema_fields += number
        if self._schema_fields > MAX_SCHEMA_FIELDS:
            self._exceed(
                f"The answer would hold more than {MAX_SCHEMA_FIELDS:,} fields of the schema.",
                "Ask for “__schema” or “_service” once, without aliases.",
            )

    def _exceed(self, message: str, remedy: str) -> NoReturn:
        # A new one each time: one that is raised again and again gathers all their tracebacks.
        self.exceeded = TooLarge(message, remedy=remedy)
        raise self.exceeded

    def _readers(
        self, item_type: GraphQLObjectType, field_details_list: Any, *, scoped: bool
    ) -> Readers | None:
        """How to read what is asked for; None unless all of it is plain."""
        readers: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = []
        collected = self.collect_subfields(item_type, field_details_list)
        for response_name, details in collected.grouped_field_set.items():
            definition = item_type.fields.get(details[0].node.name.value)
            if definition is None:
                return None
            kind = _nullable(definition.type)
            own = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
            if not (isinstance(own, StrawberryField) and own.is_basic_field and is_leaf_type(kind)):
                return None
            output = kind.coerce_output_value
            if is_enum_type(kind):
                output = cache(output)
            if not is_non_null_type(definition.type):
                output = partial(_output_or_null, output)
            attribute = f"record.{own.python_name}" if scoped else own.python_name
            readers.append((response_name, attrgetter(attribute), output))
        return readers


def _output_or_null(output: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else output(value)


def _nullable(kind: Any) -> Any:
    return kind.of_type if is_non_null_type(kind) else kind
