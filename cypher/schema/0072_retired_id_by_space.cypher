// Purpose: Find the retired ids of a space.
// Access: schema
CREATE INDEX retired_id_by_space IF NOT EXISTS FOR (r:RetiredId) ON (r.space)
