// Purpose: A retired id is found by its number too.
// Access: schema
CREATE INDEX retired_id_by_mpid IF NOT EXISTS FOR (r:RetiredId) ON (r.space, r.mpid)
