// Purpose: Judgements of a space, newest first.
// Access: schema
CREATE INDEX judgement_by_space IF NOT EXISTS FOR (j:Judgement) ON (j.space, j.id)
