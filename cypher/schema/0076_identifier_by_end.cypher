// Purpose: Identifiers that are numbers by their end.
// Access: schema
CREATE INDEX identifier_by_end IF NOT EXISTS FOR (i:Identifier) ON (i.find_end)
