// The door of the replay room.

export * from './reservation.ts'
