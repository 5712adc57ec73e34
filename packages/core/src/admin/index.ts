// The door of the admin room: use cases shared by the command line, the console and the REST API.

export type { ClientDescription } from '../client/metadata.ts'
export * from '../client/registration.ts'
export * from '../client/registration-rejection.ts'
export * from './clients.ts'
export type { AdminDeps, Commission } from './deps.ts'
export * from './keys.ts'
export * from './registration-tokens.ts'
export * from './subjects.ts'
