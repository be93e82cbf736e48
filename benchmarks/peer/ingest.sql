CREATE TABLE event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  message_id text NOT NULL UNIQUE,
  at timestamptz NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  body jsonb NOT NULL
);

CREATE TABLE identifier (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type text NOT NULL,
  value text NOT NULL,
  first_seen timestamptz NOT NULL,
  last_seen timestamptz NOT NULL,
  UNIQUE (type, value)
);

CREATE TABLE observed (
  identifier bigint NOT NULL,
  event bigint NOT NULL,
  PRIMARY KEY (identifier, event)
);

CREATE TABLE link (
  a bigint NOT NULL,
  b bigint NOT NULL,
  first_seen timestamptz NOT NULL,
  last_seen timestamptz NOT NULL,
  times_seen bigint NOT NULL,
  PRIMARY KEY (a, b)
);

-- The person of an identifier has its id, until that person is merged into an older one.
CREATE TABLE merged (
  person bigint PRIMARY KEY,
  into_person bigint NOT NULL
);

CREATE FUNCTION person_of(identifier bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  current_person bigint := identifier;
  next_person bigint;
BEGIN
  LOOP
    SELECT into_person INTO next_person FROM merged WHERE person = current_person;
    IF NOT FOUND THEN
      RETURN current_person;
    END IF;
    current_person := next_person;
  END LOOP;
END $$;

-- Stores the calls whose message id is new. Every part writes in the order of its key, so that
-- two transactions seldom wait for each other.
CREATE FUNCTION ingest(calls jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  new_link record;
  one bigint;
  other bigint;
BEGIN
  FOR new_link IN
    WITH stored AS (
      INSERT INTO event (message_id, at, body)
      SELECT DISTINCT ON (1) call->>'messageId', (call->>'timestamp')::timestamptz, call
      FROM jsonb_array_elements(calls) AS call
      ORDER BY 1
      ON CONFLICT (message_id) DO NOTHING
      RETURNING id, at, body
    ), named AS MATERIALIZED (
      SELECT stored.id AS event, stored.at, name.rank, name.type, name.value
      FROM stored, LATERAL (VALUES
        (1, 'user_id', body->>'userId'),
        (2, 'email', body#>>'{traits,email}'),
        (3, 'device_id', body#>>'{context,device,id}'),
        (4, 'anonymous_id', body->>'anonymousId')
      ) AS name (rank, type, value)
      WHERE name.value IS NOT NULL
    ), seen AS (
      INSERT INTO identifier AS known (type, value, first_seen, last_seen)
      SELECT type, value, min(at), max(at) FROM named GROUP BY type, value ORDER BY type, value
      ON CONFLICT (type, value) DO UPDATE SET
        first_seen = least(known.first_seen, excluded.first_seen),
        last_seen = greatest(known.last_seen, excluded.last_seen)
      RETURNING id, type, value
    ), mentioned AS MATERIALIZED (
      SELECT event, at, seen.id, first_value(seen.id) OVER (PARTITION BY event ORDER BY rank) AS first
      FROM named JOIN seen USING (type, value)
    ), kept AS (
      INSERT INTO observed (identifier, event) SELECT id, event FROM mentioned
    ), linked AS (
      INSERT INTO link AS known (a, b, first_seen, last_seen, times_seen)
      SELECT least(first, id), greatest(first, id), min(at), max(at), count(*)
      FROM mentioned
      WHERE first <> id
      GROUP BY 1, 2
      ORDER BY 1, 2
      ON CONFLICT (a, b) DO UPDATE SET
        first_seen = least(known.first_seen, excluded.first_seen),
        last_seen = greatest(known.last_seen, excluded.last_seen),
        times_seen = known.times_seen + excluded.times_seen
      RETURNING a, b, xmax = 0 AS inserted
    )
    SELECT linked.a, linked.b FROM linked WHERE inserted
  LOOP
    LOOP
      one := person_of(new_link.a);
      other := person_of(new_link.b);
      EXIT WHEN one = other;
      -- Another transaction may merge the same person at the same time: then look again.
      INSERT INTO merged VALUES (greatest(one, other), least(one, other)) ON CONFLICT DO NOTHING;
    END LOOP;
  END LOOP;
END $$;
