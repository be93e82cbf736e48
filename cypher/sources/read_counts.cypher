// Purpose: What a source sent to some spaces since a day.
// Access: read
// Space: w.spaces
// Parameters:
//   w.source: string
//   w.spaces: list of names of spaces
//   w.day: integer – first day, counted from 1970
// Columns:
//   counts: [received, accepted, dropped, collisions, lag_ms, longest_lag_ms or null]
//   rejected: list of [reason, how many]
MATCH (d:SourceDay {source: $w.source})
WHERE d.day >= $w.day AND d.space IN $w.spaces
RETURN [
  sum(d.received),
  sum(d.accepted),
  sum(d.dropped),
  sum(d.collisions),
  sum(d.lag_ms),
  max(d.longest_lag_ms)
] AS counts, [
  ['NOT_AN_OBJECT', sum(d.not_an_object)],
  ['NO_IDENTIFIER', sum(d.no_identifier)],
  ['TOO_MANY_IDENTIFIERS', sum(d.too_many_identifiers)],
  ['IDENTIFIER_TOO_LONG', sum(d.identifier_too_long)],
  ['INVALID_IDENTIFIER', sum(d.invalid_identifier)],
  ['INVALID_TIME', sum(d.invalid_time)],
  ['INVALID_FIELD', sum(d.invalid_field)],
  ['NOT_JSON', sum(d.not_json)],
  ['TOO_LARGE', sum(d.too_large)]
] AS rejected
