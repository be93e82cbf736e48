// Purpose: Judgements that wait for their second identifier.
// Access: schema
CREATE INDEX judgement_by_b IF NOT EXISTS FOR (j:Judgement) ON (j.b_key)
