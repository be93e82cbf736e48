// Purpose: Set properties of a source that feeds a space, unless it feeds others too and may not.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.source: string
//   w.may_feed_others: boolean – also where the source feeds other spaces too
//   w.changes: map from property to value, null to remove it
// Columns:
//   hashes: list of its write keys
//   refused: boolean – nothing was written, since it feeds other spaces too
MATCH (source:Source {name: $w.source})-[:FEEDS]->(:Space {name: $w.space})
SET source.name = source.name
WITH source, NOT $w.may_feed_others AND COUNT { (source)-[:FEEDS]->() } > 1 AS refused
SET source += CASE WHEN refused THEN {} ELSE $w.changes END
RETURN COLLECT { MATCH (k:ApiKey {source: source.name}) WHERE k.revoked_at IS NULL RETURN k.hash } AS hashes, refused
