// The door of the wire room: HTTP as neutral values.

export * from './authorization-header.ts'
export type * from './client-certificate.ts'
export * from './cookies.ts'
export * from './form.ts'
export * from './network.ts'
export * from './replies.ts'
export type * from './reply.ts'
export * from './request.ts'
