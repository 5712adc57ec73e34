// The door of the client room.

export * from './redirect-uri.ts'
export { isConfidentialClient } from './registration.ts'
