// Purpose: Identifiers by one of the beginnings that they are looked up by.
// Access: schema
CREATE INDEX identifier_by_beginning_1 IF NOT EXISTS FOR (i:Identifier) ON (i.find_1)
