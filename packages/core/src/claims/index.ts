// The door of the claims room.

export * from './request.ts'
export * from './standard.ts'
