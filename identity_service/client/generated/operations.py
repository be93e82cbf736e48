__all__ = [
    "FIND_CUSTOMERS_BY_ID_GQL",
    "FIND_CUSTOMERS_GQL",
    "FIND_CUSTOMER_GQL",
    "FOLLOW_CHANGES_GQL",
    "JUDGE_GQL",
    "LIST_CHANGES_GQL",
    "WHO_AM_I_GQL",
    "WITHDRAW_JUDGEMENT_GQL",
]

LIST_CHANGES_GQL = """
query ListChanges($space: String!, $first: Int!, $after: String, $customer: ID, $since: DateTime, $until: DateTime) {
  space(name: $space) {
    changes(
      first: $first
      after: $after
      customer: $customer
      since: $since
      until: $until
    ) {
      edges {
        node {
          ...Change
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}

fragment Change on Change {
  cursor
  kind
  at
  customerId
  otherCustomerId
  identifiers {
    type
    value
  }
  cause
}
"""

FOLLOW_CHANGES_GQL = """
subscription FollowChanges($space: String!, $after: String) {
  changes(space: $space, after: $after) {
    ...Change
  }
}

fragment Change on Change {
  cursor
  kind
  at
  customerId
  otherCustomerId
  identifiers {
    type
    value
  }
  cause
}
"""

FIND_CUSTOMER_GQL = """
query FindCustomer($space: String!, $identifier: IdentifierInput, $id: ID, $asOf: DateTime) {
  space(name: $space) {
    customer(identifier: $identifier, id: $id, asOf: $asOf) {
      __typename
      ...Customer
      ...NotFound
      ...OverConnected
    }
  }
}

fragment Customer on Customer {
  customerId
  redirectedFrom
  previousIds
  kind
  identifiers {
    type
    value
    kind
    contested
    firstSeen
    lastSeen
  }
  identifierCount
  traits {
    name
    value
    source
    updatedAt
  }
  firstSeen
  lastSeen
}

fragment NotFound on NotFound {
  reason
  message
}

fragment OverConnected on OverConnected {
  message
  size
  limit
  customer {
    ...Customer
  }
}
"""

FIND_CUSTOMERS_GQL = """
query FindCustomers($space: String!, $identifiers: [IdentifierInput!]!) {
  space(name: $space) {
    customers(identifiers: $identifiers) {
      __typename
      ...Customer
      ...NotFound
      ...OverConnected
    }
  }
}

fragment Customer on Customer {
  customerId
  redirectedFrom
  previousIds
  kind
  identifiers {
    type
    value
    kind
    contested
    firstSeen
    lastSeen
  }
  identifierCount
  traits {
    name
    value
    source
    updatedAt
  }
  firstSeen
  lastSeen
}

fragment NotFound on NotFound {
  reason
  message
}

fragment OverConnected on OverConnected {
  message
  size
  limit
  customer {
    ...Customer
  }
}
"""

FIND_CUSTOMERS_BY_ID_GQL = """
query FindCustomersById($space: String!, $ids: [ID!]!) {
  space(name: $space) {
    customersById(ids: $ids) {
      __typename
      ...Customer
      ...NotFound
      ...OverConnected
    }
  }
}

fragment Customer on Customer {
  customerId
  redirectedFrom
  previousIds
  kind
  identifiers {
    type
    value
    kind
    contested
    firstSeen
    lastSeen
  }
  identifierCount
  traits {
    name
    value
    source
    updatedAt
  }
  firstSeen
  lastSeen
}

fragment NotFound on NotFound {
  reason
  message
}

fragment OverConnected on OverConnected {
  message
  size
  limit
  customer {
    ...Customer
  }
}
"""

JUDGE_GQL = """
mutation Judge($space: String!, $verdict: Verdict!, $a: IdentifierInput!, $b: IdentifierInput!, $reason: String!) {
  judge(space: $space, verdict: $verdict, a: $a, b: $b, reason: $reason) {
    __typename
    ...Judged
    ...Invalid
  }
}

fragment Invalid on Invalid {
  code
  message
  problems {
    path
    message
  }
}

fragment Judged on Judged {
  message
  judgement {
    id
  }
}
"""

WITHDRAW_JUDGEMENT_GQL = """
mutation WithdrawJudgement($space: String!, $id: ID!, $reason: String!) {
  withdrawJudgement(space: $space, id: $id, reason: $reason) {
    __typename
    ...Judged
    ...Invalid
  }
}

fragment Invalid on Invalid {
  code
  message
  problems {
    path
    message
  }
}

fragment Judged on Judged {
  message
  judgement {
    id
  }
}
"""

WHO_AM_I_GQL = """
query WhoAmI {
  viewer {
    ...Viewer
  }
}

fragment Viewer on Viewer {
  name
  role
  spaces {
    name
  }
}
"""
