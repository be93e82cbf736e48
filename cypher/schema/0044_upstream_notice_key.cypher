// Purpose: One upstream notice for each report of a source.
// Access: schema
CREATE CONSTRAINT upstream_notice_key IF NOT EXISTS FOR (n:UpstreamNotice) REQUIRE n.key IS UNIQUE
