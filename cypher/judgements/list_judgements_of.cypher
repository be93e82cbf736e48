// Purpose: Judgements about the identifiers of a customer, or about the given ones, withdrawn ones too,
//   newest first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.customer: string – customer id, or null
//   w.keys: list of identifier keys
//   w.author: string – only those that this one signed, or null for all
//   w.since: integer – first moment
//   w.until: integer – last moment, inclusive
//   w.before: string – id of the last judgement of the page before
//   w.most: integer
// Columns:
//   judgements: list of [id, verdict, a_type, a_value, b_type, b_value, made_at, author, reason, withdrawn_at, withdrawn_by,
//     withdrawn_reason, message_id]
CALL () {
  MATCH (c:Customer {id: $w.customer})<-[:BELONGS_TO]-(i:Identifier)
  RETURN collect(i.key) AS held
}
UNWIND held + $w.keys AS key
CALL (key) {
  MATCH (j:Judgement {a_key: key}) RETURN j
  UNION
  MATCH (j:Judgement {b_key: key}) RETURN j
}
WITH DISTINCT j
WHERE j.space = $w.space AND j.id < $w.before AND j.made_at >= $w.since AND j.made_at <= $w.until AND ($w.author IS NULL OR j.author = $w.author)
WITH j ORDER BY j.id DESC LIMIT $w.most
RETURN collect([
  j.id, j.verdict, j.a_type, j.a_value, j.b_type, j.b_value, j.made_at, j.author, j.reason, j.withdrawn_at, j.withdrawn_by,
  j.withdrawn_reason, j.message_id
]) AS judgements
