// Purpose: One judgement.
// Access: read
// Space: parameter
// Parameters:
//   space: string
//   id: string
// Columns:
//   verdict: string
//   a: [type, value]
//   b: [type, value]
//   author: string
//   reason: string
//   made_at: integer
//   withdrawn_at: integer or null
//   withdrawn_by: string or null
//   withdrawn_reason: string or null
MATCH (j:Judgement {id: $id}) WHERE j.space = $space
RETURN j.verdict AS verdict, [j.a_type, j.a_value] AS a, [j.b_type, j.b_value] AS b, j.author AS author,
  j.reason AS reason, j.made_at AS made_at, j.withdrawn_at AS withdrawn_at, j.withdrawn_by AS withdrawn_by,
  j.withdrawn_reason AS withdrawn_reason
