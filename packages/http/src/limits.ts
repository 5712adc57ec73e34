// Owns the numbers of the doors. Never knows a runtime.

/** Bytes of a request body: 64 KiB, several times the largest request of any protocol served here. */
export const BODY_LIMIT = 65_536

/** Characters of a request target: 16 KiB, above any authorization request that browsers and proxies let through. */
export const URL_LIMIT = 16_384
