// Owns work that comes back by itself, behind the requests. Never overlaps with itself, and never keeps the process alive.

/** Work that goes on until it is stopped. */
export interface Job {
  stop(): void
}

/** Does the work `seconds` after the last time it ended, again and again; what it throws is reported, and it goes on. */
export const every = (seconds: number, work: () => Promise<void>, onTrouble: (error: unknown) => void): Job => {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const run = async (): Promise<void> => {
    await work().catch(onTrouble)
    if (!stopped) schedule()
  }
  const schedule = (): void => {
    timer = setTimeout(() => void run(), seconds * 1000)
    timer.unref()
  }
  schedule()
  return {
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
  }
}
