// Purpose: Identifiers of a space that were touched since profiles were computed from them, oldest first.
// Access: schema
CREATE INDEX identifier_by_touch IF NOT EXISTS FOR (i:Identifier) ON (i.space, i.touched)
