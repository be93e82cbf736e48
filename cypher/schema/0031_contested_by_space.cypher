// Purpose: The contested identifiers of a space.
// Access: schema
CREATE INDEX contested_by_space IF NOT EXISTS FOR (i:Contested) ON (i.space)
