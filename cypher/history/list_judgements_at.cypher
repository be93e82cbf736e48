// Purpose: The judgements about some identifiers that were in force at a moment.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
//   w.at: integer – the moment, inclusive
// Columns:
//   judgements: list of [id, verdict, a_key, b_key, made_at]
UNWIND $w.keys AS key
CALL (key) {
  MATCH (j:Judgement {a_key: key}) RETURN j
  UNION
  MATCH (j:Judgement {b_key: key}) RETURN j
}
WITH DISTINCT j
WHERE j.made_at <= $w.at AND (j.withdrawn_at IS NULL OR j.withdrawn_at > $w.at)
RETURN collect([j.id, j.verdict, j.a_key, j.b_key, j.made_at]) AS judgements
