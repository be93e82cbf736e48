// Purpose: Put a new version of a space's profiles text in force, unless another version than the expected one is in force.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.expected: integer – the version in force; 0: there is none
//   w.text: string
//   w.author: string
//   w.reason: string or null
//   w.now: integer
// Columns:
//   version: integer – the one in force from now on, 0 for none
//   put: boolean
MATCH (s:Space {name: $w.space})
// The lock, before the version is read: of two who apply at once, the second sees what the first wrote.
SET s.name = $w.space
WITH s, coalesce(s.profiles_version, 0) AS version
WITH s, version, version = $w.expected AS put
CALL (s, version, put) {
  WITH s, version, put
  WHERE put
  SET s.profiles_version = version + 1
  CREATE (:ProfilesText {
    key: s.name + '/' + toString(version + 1), space: s.name, version: version + 1, text: $w.text,
    applied_at: $w.now, author: $w.author, reason: $w.reason
  })
  RETURN count(*) AS made
}
RETURN CASE WHEN put THEN version + 1 ELSE version END AS version, put
