// Purpose: The countries whose national phone numbers the sources of a space send.
// Access: read
// Space: parameter
// Parameters:
//   space: name of the space
// Columns:
//   regions: list of strings, ISO 3166, in order
MATCH (:Space {name: $space})<-[:FEEDS]-(source:Source)
WHERE source.region IS NOT NULL
WITH DISTINCT source.region AS region ORDER BY region
RETURN collect(region) AS regions
