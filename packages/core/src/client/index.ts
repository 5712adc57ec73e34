// The door of the client room.

export * from './distinguished-name.ts'
export * from './redirect-uri.ts'
export { isConfidentialClient } from './registration.ts'
export { canonicalAddress } from './registration-certificates.ts'
export { createRemoteKeys } from './remote-keys.ts'
