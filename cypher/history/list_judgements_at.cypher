// Purpose: The judgements about two identifiers, one of them given, that were in force at a moment.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
//   w.at: integer – the moment, inclusive
// Columns:
//   judgements: list of [id, verdict, a_type, a_value, b_type, b_value, made_at, author, reason]
UNWIND $w.keys AS key
CALL (key) {
  MATCH (j:Judgement {a_key: key}) RETURN j
  UNION
  MATCH (j:Judgement {b_key: key}) RETURN j
}
WITH DISTINCT j
WHERE j.b_key IS NOT NULL AND j.made_at <= $w.at AND (j.withdrawn_at IS NULL OR j.withdrawn_at > $w.at)
RETURN collect([j.id, j.verdict, j.a_type, j.a_value, j.b_type, j.b_value, j.made_at, j.author, j.reason]) AS judgements
