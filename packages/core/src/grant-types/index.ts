// The door of the grant-types room.

export * from './authorization-code.ts'
export * from './grant-type.ts'
export * from './rejection.ts'
