// Purpose: Give a source that feeds a space a secret for proofs of user ids, in place of the one it had.
// Access: write
// Space: parameter
// Scan: keys
// Product: the source that feeds the space is one row
// Parameters:
//   space: string
//   source: string
//   secret: string
//   may_feed_others: boolean – also where the source feeds other spaces too
// Columns:
//   hashes: list of its write keys
//   refused: boolean – nothing was written, since it feeds other spaces too
MATCH (source:Source {name: $source})-[:FEEDS]->(:Space {name: $space})
WITH source, NOT $may_feed_others AND COUNT { (source)-[:FEEDS]->() } > 1 AS refused
SET source.proof_secret = CASE WHEN refused THEN source.proof_secret ELSE $secret END
WITH source, refused
RETURN COLLECT { MATCH (k:ApiKey {role: 'WRITE', source: source.name}) WHERE k.revoked_at IS NULL RETURN k.hash } AS hashes, refused
