// Purpose: The events of a source in a range of receipt, page by page in the order of their receipt.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.source: string
//   w.at: integer – receipt of the last event of the page before, or the beginning of the range
//   w.key: string – key of that event, empty at first
//   w.until: integer – end of the range, exclusive
//   w.most: integer – most events to look at, those of other sources too
// Columns:
//   last: [received_at, key] of the last event that was looked at, null when there was none
//   keys: list of event keys
CALL () {
  MATCH (e:Event {space: $w.space})
  WHERE e.received_at >= $w.at AND e.received_at < $w.until AND (e.received_at > $w.at OR e.key > $w.key)
  WITH e ORDER BY e.received_at, e.key LIMIT $w.most
  RETURN collect(e) AS page
}
WITH page, last(page) AS last
RETURN CASE WHEN last IS NOT NULL THEN [last.received_at, last.key] END AS last, [e IN page WHERE e.source = $w.source | e.key] AS keys
