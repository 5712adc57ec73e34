// The door of the consent room.

export * from './coverage.ts'
