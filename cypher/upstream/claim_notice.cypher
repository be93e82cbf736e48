// Purpose: Claim an upstream notice that is open, to decide about it, unless somebody else is deciding.
// Access: write
// Space: parameter
// Parameters:
//   space: string
//   id: string – notice id
//   lease: integer – milliseconds until others may claim it
// Columns:
//   id: string
MATCH (n:UpstreamNotice {id: $id}) WHERE n.space = $space
SET n.space = n.space // takes its lock
WITH n WHERE n.state = 'OPEN' AND coalesce(n.claimed_until, 0) < timestamp()
SET n.claimed_until = timestamp() + $lease
RETURN n.id AS id
