// Purpose: The judgements of a space about two identifiers that are in force: those that were not
//   withdrawn.
// Access: read
// Space: parameter
// Parameters:
//   space: string
// Columns:
//   judgements: list of [id, verdict, a_type, a_value, b_type, b_value, made_at]
MATCH (j:Judgement {space: $space})
WHERE j.b_key IS NOT NULL AND j.withdrawn_at IS NULL
RETURN collect([j.id, j.verdict, j.a_type, j.a_value, j.b_type, j.b_value, j.made_at]) AS judgements
