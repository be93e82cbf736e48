// Purpose: Record what became of events at a destination; nothing of those whose record is being erased.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.events: list of [record key, key without the space, map of properties to set, those that are null are
//     removed], sorted
// Columns:
//   written: integer
MATCH (:Space {name: $w.space})
UNWIND $w.events AS row
WITH {record: row[0], event: row[1], properties: row[2]} AS change
MATCH (r:OutgoingRecord {key: $w.space + '/' + $w.destination + '/' + change.record})
SET r.space = $w.space // takes its lock
WITH r, change WHERE r.erase IS NULL
MERGE (o:OutgoingEvent {key: $w.space + '/' + $w.destination + '/' + change.event})
SET o.space = $w.space, o.destination = $w.destination, o.event = change.event, o.record = change.record
SET o += change.properties
RETURN count(*) AS written
