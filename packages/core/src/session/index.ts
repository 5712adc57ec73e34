// The door of the session room.

export * from './browser.ts'
export * from './sessions.ts'
