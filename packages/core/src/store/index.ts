// The door of the store room: the contract alone. Implementations live in `memory` and in @vouchsafe/postgres.

export type * from './device-records.ts'
export type * from './grant-records.ts'
export type * from './logout.ts'
export type * from './records.ts'
export type * from './stores.ts'
