// Purpose: Delete some of what a space that is being deleted holds beside its events,
//   identifiers and customers: its texts, jobs, journals and what is kept for others.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.worker: string – who holds its deletion
//   w.lease: integer – milliseconds until others may claim it
//   w.most: integer – nodes at once
// Columns:
//   gone: integer – nodes that were deleted
MATCH (d:SpaceDeletion {name: $w.space})
SET d.name = $w.space // takes its lock
WITH d WHERE d.worker = $w.worker
CALL (d) {
  CALL () {
    MATCH (n:Policy) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:ProfilesText) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:Destination) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:Outgoing) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:OutgoingRecord) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:AccountProfile) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:OutgoingEvent) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:ProfileWork) WHERE n.space = $w.space RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:Retraction) WHERE n.space = $w.space AND n.id > '' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:RetractionStep) WHERE n.space = $w.space AND n.retraction > '' AND n.number > 0 RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:Judgement) WHERE n.space = $w.space AND n.id > '' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:Replay) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:FileLoad) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:RejectedEvent) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:UpstreamNotice) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:SourceDay) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:Membership) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:MembershipChange) WHERE n.space = $w.space AND n.position > 0 RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:Change) WHERE n.space = $w.space AND n.id > '' RETURN n LIMIT $w.most
  }
  WITH n LIMIT $w.most
  DETACH DELETE n
  RETURN count(*) AS gone
}
SET d.lease_until = timestamp() + $w.lease, d.deleted = d.deleted + gone
RETURN gone
