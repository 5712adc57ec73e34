// Owns how many requests run at once, to one host and in all. Never knows what they are.

/** How many may run at once. */
export interface GateLimits {
  readonly perHost: number
  readonly inAll: number
}

/** A gate that lets some in and makes the others wait. */
export interface Gate {
  /** Resolves once there is room; rejects when the signal aborts first. Whoever was let in must leave. */
  enter(host: string, signal: AbortSignal): Promise<void>
  leave(host: string): void
}

interface Waiting {
  readonly host: string
  readonly admit: () => void
}

/** Makes a gate; who waited longest for a host goes first, and a full host keeps nobody else waiting. */
export const createGate = (limits: GateLimits): Gate => {
  const running = new Map<string, number>()
  const waiting = new Set<Waiting>()
  let all = 0
  const hasRoom = (host: string): boolean => all < limits.inAll && (running.get(host) ?? 0) < limits.perHost
  const take = (host: string): void => {
    all += 1
    running.set(host, (running.get(host) ?? 0) + 1)
  }
  const admitNext = (): void => {
    for (const one of waiting) {
      if (all >= limits.inAll) return
      if (!hasRoom(one.host)) continue
      waiting.delete(one)
      take(one.host)
      one.admit()
    }
  }
  return {
    enter: (host, signal) => {
      if (hasRoom(host)) {
        take(host)
        return Promise.resolve()
      }
      return new Promise((resolve, reject) => {
        const giveUp = (): void => {
          waiting.delete(one)
          reject(new Error('gave up waiting'))
        }
        const one: Waiting = {
          host,
          admit: () => {
            signal.removeEventListener('abort', giveUp)
            resolve()
          },
        }
        waiting.add(one)
        signal.addEventListener('abort', giveUp, { once: true })
      })
    },
    leave: (host) => {
      all -= 1
      const left = (running.get(host) ?? 1) - 1
      if (left > 0) running.set(host, left)
      else running.delete(host)
      admitNext()
    },
  }
}
