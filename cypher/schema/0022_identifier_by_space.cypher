// Purpose: All identifiers of a space, in order of their keys.
// Access: schema
CREATE INDEX identifier_by_space IF NOT EXISTS FOR (i:Identifier) ON (i.space)
