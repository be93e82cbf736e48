// Purpose: Write what was decided about an upstream notice that was claimed, or give it back undecided.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.id: string – notice id
//   w.decision: map of `state`, and where that is not OPEN of `decided_at`, `decided_by`, `reason` and `judgement`
// Columns: none
MATCH (n:UpstreamNotice {id: $w.id}) WHERE n.space = $w.space AND n.state = 'OPEN'
SET n += $w.decision
REMOVE n.claimed_until
