// Purpose: Add what sources sent to what was counted of them before, by space and day.
// Access: write
// Space: w.counts
// Parameters:
//   w.counts: list of [key, space, source, day, received, accepted, dropped, collisions, lag_ms, longest_lag_ms, last_seen,
//     and of each reason how many were rejected] – sorted by key
// Columns: none
UNWIND $w.counts AS row
WITH {key: row[0], space: row[1], source: row[2], day: row[3], received: row[4], accepted: row[5], dropped: row[6], collisions: row[7],
  lag_ms: row[8], longest_lag_ms: row[9], last_seen: row[10], not_an_object: row[11], no_identifier: row[12],
  too_many_identifiers: row[13], identifier_too_long: row[14], invalid_identifier: row[15], invalid_time: row[16],
  invalid_field: row[17], not_json: row[18], too_large: row[19]} AS count
MATCH (:Space {name: count.space})
MERGE (d:SourceDay {key: count.key})
SET d.space = count.space, d.source = count.source, d.day = count.day
WITH d, count
SET d.received = coalesce(d.received, 0) + count.received,
  d.accepted = coalesce(d.accepted, 0) + count.accepted,
  d.dropped = coalesce(d.dropped, 0) + count.dropped,
  d.collisions = coalesce(d.collisions, 0) + count.collisions,
  d.lag_ms = coalesce(d.lag_ms, 0) + count.lag_ms,
  d.longest_lag_ms = CASE WHEN d.longest_lag_ms > count.longest_lag_ms THEN d.longest_lag_ms ELSE count.longest_lag_ms END,
  d.not_an_object = coalesce(d.not_an_object, 0) + count.not_an_object,
  d.no_identifier = coalesce(d.no_identifier, 0) + count.no_identifier,
  d.too_many_identifiers = coalesce(d.too_many_identifiers, 0) + count.too_many_identifiers,
  d.identifier_too_long = coalesce(d.identifier_too_long, 0) + count.identifier_too_long,
  d.invalid_identifier = coalesce(d.invalid_identifier, 0) + count.invalid_identifier,
  d.invalid_time = coalesce(d.invalid_time, 0) + count.invalid_time,
  d.invalid_field = coalesce(d.invalid_field, 0) + count.invalid_field,
  d.not_json = coalesce(d.not_json, 0) + count.not_json,
  d.too_large = coalesce(d.too_large, 0) + count.too_large
WITH count.source AS name, max(count.last_seen) AS last_seen ORDER BY name
MATCH (source:Source {name: name})
SET source.last_seen = CASE WHEN source.last_seen > last_seen THEN source.last_seen ELSE last_seen END
