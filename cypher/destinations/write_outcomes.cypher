// Purpose: Record what became of operations at a destination, and who waits no more, or until when. Who was
//   marked again meanwhile stays due.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.until: integer – until when the customers were taken up
//   w.records: list of [record key, map of properties to set, those that are null are removed], sorted by key
//   w.customers: list of [customer id, when it is due again or null], sorted by id
// Columns:
//   written: integer – records
MATCH (:Space {name: $w.space})
CALL () {
  UNWIND $w.records AS row
  WITH {record: row[0], properties: row[1]} AS change
  MERGE (r:OutgoingRecord {key: $w.space + '/' + $w.destination + '/' + change.record})
  SET r.space = $w.space, r.destination = $w.destination, r.record = change.record
  WITH r, change, r.customer_id AS owner
  SET r += change.properties
  // Of a record that is to be erased, it stays known for whom: its erasure waits for that customer.
  SET r.customer_id = CASE WHEN r.erase THEN owner ELSE r.customer_id END
  RETURN count(*) AS written
}
CALL () {
  UNWIND $w.customers AS row
  WITH {id: row[0], due: row[1]} AS taken
  MATCH (o:Outgoing {key: $w.space + '/' + $w.destination + '/' + taken.id})
  SET o.space = $w.space // takes its lock
  WITH o, taken
  WHERE o.due = $w.until
  SET o.due = taken.due
  WITH o, taken
  WHERE taken.due IS NULL
  DETACH DELETE o
  RETURN count(*) AS ended
}
RETURN written
