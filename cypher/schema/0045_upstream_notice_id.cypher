// Purpose: One upstream notice for each id.
// Access: schema
CREATE CONSTRAINT upstream_notice_id IF NOT EXISTS FOR (n:UpstreamNotice) REQUIRE n.id IS UNIQUE
