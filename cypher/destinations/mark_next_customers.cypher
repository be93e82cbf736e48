// Purpose: Have the next customers of a space looked at for a destination, and record how far that is.
//   Who is settled meanwhile comes later in this order, and so once more.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.most: integer
//   w.now: integer
// Columns:
//   marked: integer
MATCH (d:Destination {key: $w.space + '/' + $w.destination})
SET d.space = $w.space // takes its lock
WITH d
CALL (d) {
  MATCH (c:Customer {space: $w.space})
  WHERE c.settled_at >= d.sync_since AND (c.settled_at > d.sync_since OR c.id > d.sync_after)
  WITH c ORDER BY c.space, c.settled_at, c.id LIMIT $w.most
  RETURN collect({id: c.id, settled_at: c.settled_at}) AS customers
}
CALL (customers) {
  UNWIND customers AS customer
  WITH customer.id AS id ORDER BY id
  MERGE (o:Outgoing {key: $w.space + '/' + $w.destination + '/' + id})
  ON CREATE SET o.space = $w.space, o.destination = $w.destination, o.customer_id = id, o.due = $w.now
  SET o.due = CASE WHEN o.due < $w.now THEN o.due ELSE $w.now END
  RETURN count(*) AS marked
}
WITH d, customers, marked, last(customers) AS reached
SET d.sync_since = coalesce(reached.settled_at, d.sync_since), d.sync_after = coalesce(reached.id, d.sync_after),
  d.sync_marked = d.sync_marked + marked,
  d.sync_done_at = CASE WHEN size(customers) < $w.most THEN $w.now ELSE null END
RETURN marked
