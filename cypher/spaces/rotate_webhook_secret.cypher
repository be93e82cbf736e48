// Purpose: Give a source that a vendor's webhook feeds a new secret; the one before stays good for a while.
// Access: write
// Space: parameter
// Product: the source that feeds the space is one row
// Parameters:
//   space: string
//   source: string
//   secret: string – encrypted
//   old_until: integer – until when the one before is good
//   may_feed_others: boolean – also where the source feeds other spaces too
// Columns:
//   refused: boolean – nothing was written, since it feeds other spaces too
MATCH (source:Source {name: $source})-[:FEEDS]->(:Space {name: $space})
WHERE source.vendor IS NOT NULL
SET source.name = source.name // takes its lock
WITH source, NOT $may_feed_others AND COUNT { (source)-[:FEEDS]->() } > 1 AS refused
SET source += CASE WHEN refused THEN {} ELSE {secrets: [$secret, head(source.secrets)], old_secret_until: $old_until} END
RETURN refused
