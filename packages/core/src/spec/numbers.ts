// Owns the default lifetimes and limits, each with its reason. Never reads a clock.

/** Lifetimes in seconds that a provider works with. */
export interface Lifetimes {
  readonly authorizationCode: number
  readonly interaction: number
  readonly pushedRequest: number
  readonly deviceCode: number
  readonly sessionIdle: number
  readonly sessionAbsolute: number
  readonly opaqueAccessToken: number
  readonly jwtAccessToken: number
  readonly refreshIdle: number
  readonly refreshAbsolute: number
  /** How long after a rotation the token before it is answered with the same successor; 0 for not at all. */
  readonly refreshWindow: number
  readonly idToken: number
  readonly consent: number
  readonly unusedClient: number
}

/** Defaults of every lifetime, in seconds. */
export const DEFAULT_LIFETIMES: Lifetimes = {
  // One round trip of a browser and a server; FAPI 2.0 allows no more than 60 s.
  authorizationCode: 60,
  // Long enough to look for a password or a phone.
  interaction: 15 * 60,
  // One redirect from the client's server to the browser; FAPI 2.0 wants less than 600 s.
  pushedRequest: 60,
  // Long enough to fetch a phone and sign in; a code that is sent to somebody else soon counts for nothing (RFC 8628 §5.4).
  deviceCode: 10 * 60,
  // A working day without asking twice.
  sessionIdle: 12 * 60 * 60,
  // A month: after it a person proves again who he is, however busy the browser was.
  sessionAbsolute: 30 * 24 * 60 * 60,
  // An opaque token is checked at each use, so it may live an hour.
  opaqueAccessToken: 60 * 60,
  // Other servers see nothing but its end.
  jwtAccessToken: 10 * 60,
  // A month away from the keyboard, a holiday and some more.
  refreshIdle: 30 * 24 * 60 * 60,
  // Half a year, after which a person allows anew, however busy the client was.
  refreshAbsolute: 180 * 24 * 60 * 60,
  // Two tabs, or an answer that was lost on the way: both come back within seconds.
  refreshWindow: 30,
  // Relying parties without clock tolerance (passport-openidconnect) need a comfortable one.
  idToken: 60 * 60,
  // A year; a change of scope asks again in any case.
  consent: 365 * 24 * 60 * 60,
  // A client that registered itself and that nobody allowed anything: long enough for a setup that is taken up again next month.
  unusedClient: 30 * 24 * 60 * 60,
}

/** Size limits of what comes in, in characters, so that cost stays linear and small. */
export const LIMITS = {
  /** A whole form body or query string: 64 KiB. */
  form: 65_536,
  /** Fields in one form. */
  fields: 200,
  /** Certification sends a state of 128 and FAPI 2.0 a long one; beyond this it is refused whole, never cut. */
  state: 2048,
  /** FAPI 2.0 certification sends 64 characters and tries 384. */
  nonce: 512,
  scope: 2048,
  claims: 8192,
  loginHint: 256,
  logoutHint: 256,
  uiLocales: 256,
  acrValues: 1024,
  redirectUri: 2048,
  /** RFC 9101 §5.2 asks for no more than 512; registered ones may be as long as a redirect URI. */
  requestUri: 2048,
  /** A JWT that a client or a browser sends: 16 KiB, refused before it is parsed. */
  jwt: 16_384,
  /** A DPoP proof: twice what the largest accepted key and its signature take. */
  dpopProof: 8192,
  clientId: 255,
  clientSecret: 1024,
} as const

/**
 * Life of a signed authorization response in seconds: one redirect. JARM §2.1 recommends ten minutes at the most, and a client whose clock
 * is behind should not find more than that.
 */
export const SIGNED_RESPONSE_LIFETIME: number = 5 * 60

/** Clock tolerance towards JWTs that clients make, in seconds: 8 s must pass and 60 s must not (FAPI 2.0 §5.3.2.1). */
export const CLOCK_TOLERANCE = 10

/** Seconds that a DPoP proof without a nonce of ours counts: one request, a slow network and a queue (RFC 9449 §11.1). */
export const DPOP_PROOF_AGE = 60

/** Seconds between two polls of a device at the least, and by how much that grows when it polls faster (RFC 8628 §3.5). */
export const POLL_INTERVAL = 5

/** Seconds by which a poll may come early: instants are whole seconds, so that a request on time can look one second early. */
export const POLL_TOLERANCE = 1

/** How long a logout token lives, in seconds: each attempt has a fresh one (OIDC Back-Channel Logout §2.4 recommends two minutes at most). */
export const LOGOUT_TOKEN_LIFETIME = 120

/** How clients are told that a session ended; times in seconds. */
export interface LogoutDeliveryNumbers {
  /** Pauses after the first attempt, the second, and so on; after as many and one more it is given up. */
  readonly pauses: readonly number[]
  /** How long one node may have a delivery in hand before another takes it up. */
  readonly lease: number
  /** How long it is kept that a client was told. */
  readonly keepDelivered: number
  /** How long it is kept that a client could not be told. */
  readonly keepDead: number
  /** How many are tried at the same time. */
  readonly batch: number
}

/** The numbers that deliveries go by. */
export const LOGOUT_DELIVERY: LogoutDeliveryNumbers = {
  // A restart of the client, a short outage, a long one: some three hours after the end there is little left to be signed out of.
  pauses: [10, 60, 300, 1800, 7200],
  // Longer than an attempt can take, with its signature.
  lease: 60,
  // For whoever looks into a complaint.
  keepDelivered: 7 * 24 * 60 * 60,
  keepDead: 30 * 24 * 60 * 60,
  // A person's session has few clients, and a backlog is worked off in several goes.
  batch: 20,
}
