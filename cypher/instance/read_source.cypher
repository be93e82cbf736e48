// Purpose: A source, with all that it feeds.
// Access: read
// Space: instance
// Parameters:
//   source: string
// Columns:
//   source: [name, region, created_at, paused_at, paused_by, events_per_s, last_seen, rules, rules_version,
//     vendor or null, snowplow_app_id or null, spaces, keys], of the spaces and of the keys that are good,
//     [created_at, good until or null], at most 101
MATCH (source:Source {name: $source})
RETURN [
  source.name, source.region, source.created_at, source.paused_at, source.paused_by, source.events_per_s, source.last_seen,
  source.rules, coalesce(source.rules_version, 0), source.vendor, source.snowplow_app_id,
  COLLECT { MATCH (source)-[:FEEDS]->(s:Space) RETURN s.name ORDER BY s.name LIMIT 101 },
  COLLECT {
    MATCH (k:ApiKey {source: source.name})
    WHERE k.revoked_at IS NULL AND coalesce(k.good_until > timestamp(), true) AND k.snowplow_app_id IS NULL
    RETURN [k.created_at, k.good_until] ORDER BY k.created_at LIMIT 101
  }
] AS source
