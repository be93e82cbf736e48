// Purpose: Profiles by one of the beginnings that they are looked up by.
// Access: schema
CREATE INDEX profile_by_beginning_3 IF NOT EXISTS FOR (p:Profile) ON (p.find_3)
