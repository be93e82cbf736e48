// Purpose: The ids that are anchored at identifiers which no event carries any more, each with the anchors
//   that it left.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
// Columns:
//   ids: list of [id, created_at, key of its anchor, list of [until, rev, key of a former anchor]]
//   left: ids that left such an anchor last because no event carried it any more, list of [id, key]
CALL () {
  UNWIND $w.keys AS key
  MATCH (i:UnseenIdentifier {key: key})
  MATCH (i)<-[:ANCHORED_AT]-(c)
  CALL (c) {
    MATCH (c)-[was:WAS_ANCHORED_AT]->(before)
    RETURN collect([was.until, coalesce(was.rev, 0), before.key]) AS earlier
  }
  RETURN collect([c.id, c.created_at, key, earlier]) AS ids
}
CALL () {
  UNWIND $w.keys AS key
  MATCH (i:UnseenIdentifier {key: key})
  MATCH (i)<-[was:WAS_ANCHORED_AT]-(c)
  WHERE was.unseen AND NOT EXISTS {
    MATCH (c)-[later:WAS_ANCHORED_AT]->()
    WHERE coalesce(later.unseen, true) AND (later.until > was.until OR (later.until = was.until AND later.rev > was.rev))
  }
  RETURN collect([c.id, key]) AS left
}
RETURN ids, left
