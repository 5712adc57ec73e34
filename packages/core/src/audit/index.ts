// The door of the audit room.

export * from './events.ts'
