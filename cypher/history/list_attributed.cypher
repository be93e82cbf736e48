// Purpose: Events received until a moment whose strongest identifier is one of the given ones.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
//   w.at: integer – the moment, inclusive
//   w.priority: map from identifier type to priority
//   w.other: integer – priority of types that are not in that map
//   w.withheld: list of identifier keys that are ignored
//   w.most: integer – most events
// Columns:
//   events: list of [identifier key, [at, received_at, place, event key], name, carries traits,
//     account keys, source, proven]
UNWIND $w.keys AS key
MATCH (i:Identifier|UnseenIdentifier {key: key})
// An identifier that a judgement in force had taken from an event was not on it.
MATCH (i)<-[own:OBSERVED|DETACHED]-(e:Event)
WHERE e.received_at <= $w.at
  AND (own.detached_at IS NULL OR none(n IN range(0, size(own.detached_at) - 1) WHERE toInteger(own.detached_at[n]) <= $w.at AND coalesce(toInteger(own.attached_at[n]) > $w.at, true)))
WITH i, e, coalesce($w.priority[i.type], $w.other) AS priority
WHERE NOT EXISTS {
  MATCH (e)-[seen:OBSERVED|DETACHED]->(o)
  WHERE (seen.detached_at IS NULL OR none(n IN range(0, size(seen.detached_at) - 1) WHERE toInteger(seen.detached_at[n]) <= $w.at AND coalesce(toInteger(seen.attached_at[n]) > $w.at, true)))
    AND NOT o.key IN $w.withheld AND (
    coalesce($w.priority[o.type], $w.other) < priority
    OR (coalesce($w.priority[o.type], $w.other) = priority
      AND (o.type < i.type OR (o.type = i.type AND o.value < i.value))))
}
WITH i, e LIMIT $w.most
RETURN collect([i.key, [e.at, e.received_at, coalesce(e.place, 0), e.key], e.name, e:CarriesTraits, COLLECT { MATCH (e)-[:NAMES]->(a:Account) RETURN a.key }, e.source, e.proven IS NOT NULL]) AS events
