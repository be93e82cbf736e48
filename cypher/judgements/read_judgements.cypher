// Purpose: Judgements by their ids.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.ids: list of judgement ids
// Columns:
//   judgements: list of [id, verdict, a_type, a_value, b_type, b_value, made_at, author, reason, withdrawn_at, withdrawn_by,
//     withdrawn_reason, message_id]
UNWIND $w.ids AS id
MATCH (j:Judgement {id: id})
WHERE j.space = $w.space
RETURN collect([
  j.id, j.verdict, j.a_type, j.a_value, j.b_type, j.b_value, j.made_at, j.author, j.reason, j.withdrawn_at, j.withdrawn_by,
  j.withdrawn_reason, j.message_id
]) AS judgements
