// Purpose: When accounts were last described by an event that counts, for all sets of traits that the given
//   events report. One that only retracted events report has no such time.
// Access: write
// Space: keys
// Parameters:
//   events: list of event keys
// Columns:
//   written: boolean
CALL () {
  UNWIND $events AS key
  MATCH (e:Event {key: key})-[:TOLD]->(t:AccountTraits)
  WITH t, max([e.at, e.received_at, coalesce(e.place, 0)]) AS reported ORDER BY t.key
  SET t.space = t.space // takes its lock
  WITH t, reported
  WHERE t.last_seen IS NULL OR reported >= [t.last_seen, coalesce(t.last_received_at, 0), coalesce(t.last_place, 0)]
  CALL (t) {
    MATCH (t)<-[:TOLD]-(e:Event)
    WHERE NOT EXISTS {
      MATCH (r:Retraction {space: e.space, source: e.source})
      WHERE r.from <= e.received_at < r.until AND r.withdrawn_at IS NULL
    }
    WITH e ORDER BY e.at DESC, e.received_at DESC, coalesce(e.place, 0) DESC LIMIT 1
    RETURN head(collect({at: e.at, received_at: e.received_at, place: coalesce(e.place, 0)})) AS last
  }
  SET t.last_seen = last.at, t.last_received_at = last.received_at, t.last_place = last.place
}
RETURN true AS written
