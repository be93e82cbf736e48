// Purpose: The countries whose national phone numbers the sources of a space send.
// Access: read
// Space: parameter
// Parameters:
//   space: name of the space
// Columns:
//   regions: list of strings, ISO 3166, in order
MATCH (:Space {name: $space})<-[:FEEDS]-(source:Source)
WITH DISTINCT coalesce(source.rules_region, source.region) AS region ORDER BY region
WHERE region IS NOT NULL
RETURN collect(region) AS regions
