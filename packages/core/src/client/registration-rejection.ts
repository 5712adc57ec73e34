// Owns why client metadata is refused, and the words for it. Never decides.

/** The rule that a member of client metadata broke. */
export type ClientRejectionReason =
  | 'unknownField'
  | 'notBuilt'
  | 'malformed'
  | 'missing'
  | 'tooLong'
  | 'tooMany'
  | 'repeated'
  | 'outOfRange'
  | 'unsupportedValue'
  | 'unsafeCharacter'
  | 'notAbsolute'
  | 'fragment'
  | 'userinfo'
  | 'ambiguousHost'
  | 'ambiguousPath'
  | 'reservedParameter'
  | 'schemeNotAllowed'
  | 'plainHttp'
  | 'loopbackNeedsNative'
  | 'privateUseNeedsNative'
  | 'privateUseForm'
  | 'notAnOrigin'
  | 'scopeNotAllowed'
  | 'privateKey'
  | 'weakKey'
  | 'unsuitableKey'
  | 'keysNeeded'
  | 'notBoth'
  | 'hostInside'
  | 'confidentialOnly'
  | 'provenOnly'
  | 'grantTypeNeeded'
  | 'operatorsClientsOnly'

/** A refused registration: which member, which of its items, and which rule. */
export interface ClientRejection {
  readonly reason: ClientRejectionReason
  /** Member of the metadata, by its name in RFC 7591 §2 where it has one there. */
  readonly field: string
  /** Index in a list, from 0; undefined where the whole member is meant. */
  readonly item: number | undefined
}

const WORDS: Readonly<Record<ClientRejectionReason, string>> = {
  unknownField: 'is not a known setting',
  notBuilt: 'is not supported by this server',
  malformed: 'has the wrong form',
  missing: 'is needed',
  tooLong: 'is too long',
  tooMany: 'has too many values',
  repeated: 'holds a value twice',
  outOfRange: 'is out of range',
  unsupportedValue: 'has a value that this server does not support',
  unsafeCharacter:
    'holds a character that is not allowed there (wildcards, blanks, backslashes and control characters are not)',
  notAbsolute: 'is not an absolute URI',
  fragment: 'must not have a fragment (#)',
  userinfo: 'must not hold a user name or password',
  ambiguousHost:
    'has a host that browsers and servers could read differently; write a plain name or an IP address in its usual form',
  ambiguousPath: 'has dot segments in its path; write the path that is meant',
  reservedParameter: 'must not hold a parameter that the answer adds (code, state, iss, error ...)',
  schemeNotAllowed: 'has a scheme that is not allowed; use https, in lower case',
  plainHttp: 'must use https',
  loopbackNeedsNative: 'points to this device, which is for native applications; set the application type to native',
  privateUseNeedsNative:
    'has a scheme of its own, which is for native applications; set the application type to native',
  privateUseForm: 'must have the form com.example.app:/path, a reversed domain name and a single slash',
  notAnOrigin:
    'is not an origin; write scheme and host, and the port where it is not the usual one, without a slash at the end',
  scopeNotAllowed: 'is not among the scopes that may be registered',
  privateKey: 'holds a private or symmetric key; register the public key only',
  weakKey:
    'holds a key that is too weak, too large or malformed; use RSA from 2048 bits, P-256, P-384, P-521 or Ed25519',
  unsuitableKey: 'holds a key that does not fit its own alg',
  keysNeeded: 'must hold at least one key, since the client authenticates by one or signs its requests',
  notBoth: 'cannot stand beside jwks; register the keys or the address that they are published under',
  hostInside: 'must name a host of the public internet by its name; an address, or a name without a dot, leads inside',
  confidentialOnly: 'may be optional only for a confidential client, which can keep a secret',
  grantTypeNeeded: 'needs the grant type refresh_token',
  operatorsClientsOnly: 'cannot be set for a client that registered itself: nobody but itself vouches for it',
  provenOnly: 'cannot be set for a public client whose redirect URI any other application could take',
}

/** One plain sentence about a rejection, without the refused value itself. */
export const describeClientRejection = (rejection: ClientRejection): string =>
  `${rejection.field}${rejection.item === undefined ? '' : `[${rejection.item}]`} ${WORDS[rejection.reason]}.`
