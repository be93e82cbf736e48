// Purpose: Judgements that wait for their first identifier.
// Access: schema
CREATE INDEX judgement_by_a IF NOT EXISTS FOR (j:Judgement) ON (j.a_key)
