// The door of the scope room.

export * from './scope.ts'
