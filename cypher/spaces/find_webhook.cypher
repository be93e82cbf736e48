// Purpose: A source that a vendor's webhook feeds.
// Access: read
// Space: instance
// Parameters:
//   source: string – its name
// Columns:
//   vendor: string
//   secrets: list of one or two – encrypted, the newest first
//   old_until: integer or null – until when the second one is good
//   public_url: string or null – its address as the vendor has it
//   livemode: boolean
//   note_attribute: string or null
//   region: string or null – country of national phone numbers that it sends
//   paused: boolean
//   events_per_s: float or null – most events a second that it may send
//   rules: string or null – text of its reading rules
//   feeds: list of the spaces that it feeds
MATCH (source:Source {name: $source}) WHERE source.vendor IS NOT NULL
RETURN source.vendor AS vendor, source.secrets AS secrets, source.old_secret_until AS old_until, source.public_url AS public_url,
  source.livemode AS livemode, source.note_attribute AS note_attribute, coalesce(source.rules_region, source.region) AS region,
  source.paused_at IS NOT NULL AS paused, source.events_per_s AS events_per_s, source.rules AS rules,
  COLLECT { MATCH (source)-[:FEEDS]->(s:Space) RETURN s.name ORDER BY s.name } AS feeds
